"""The torch modules of the methods, by the method's name.

dora, lora, adalora, hira, miss, lokr, vera (all: linear_delta);
ia3, bitfit, layer_norm (both: vectors);
sequential_adapter, parallel_adapter (both: bottleneck);
prefix (prefix_attention, disentangled), prompt, p_tuning;
loreft.

gate; base: what they share; pelt: one hooked into a backbone; peft_forms: what one is in peft;
upkeep: beside the optimiser in training;
building: from values to modules; attachment: on and off a model; parameter_groups: for an
optimiser; checkpoint: as files; rows: several architectures in one batch;
probe: what works on a model; starts: starting values of LoRA that are computed;
registered: methods from outside.
"""

from autopelt.modules.adalora import AdaLoraModule
from autopelt.modules.bitfit import BitFitModule
from autopelt.modules.dora import DoraModule
from autopelt.modules.hira import HiraModule
from autopelt.modules.ia3 import IA3Module
from autopelt.modules.layer_norm import LayerNormModule
from autopelt.modules.lokr import LokrModule
from autopelt.modules.lora import LoraModule
from autopelt.modules.loreft import LoReftModule
from autopelt.modules.miss import MissModule
from autopelt.modules.p_tuning import PTuningModule
from autopelt.modules.parallel_adapter import ParallelAdapterModule
from autopelt.modules.pelt import Pelt
from autopelt.modules.prefix import PrefixModule
from autopelt.modules.prompt import PromptModule
from autopelt.modules.sequential_adapter import SequentialAdapterModule
from autopelt.modules.vera import VeraModule

__all__ = ["PELTS", "Pelt"]

PELTS: dict[str, type[Pelt]] = {
    "dora": DoraModule,
    "lora": LoraModule,
    "adalora": AdaLoraModule,
    "hira": HiraModule,
    "miss": MissModule,
    "lokr": LokrModule,
    "vera": VeraModule,
    "layer_norm": LayerNormModule,
    "ia3": IA3Module,
    "bitfit": BitFitModule,
    "sequential_adapter": SequentialAdapterModule,
    "parallel_adapter": ParallelAdapterModule,
    "prefix": PrefixModule,
    "prompt": PromptModule,
    "p_tuning": PTuningModule,
    "loreft": LoReftModule,
}
