"""Scripts and configurations of other trainers: what they are told is what autopelt trained."""

import ast
import json
import re
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import peft
import pytest
import yaml
from trained_decoder import (
    CHATML,
    LAYERS,
    LORA,
    TAGGED,
    chats,
    trained_on_chats,
    trained_on_pairs,
)
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

from autopelt.architecture.architecture import Architecture
from autopelt.errors import UsageError
from autopelt.export.chosen import choose
from autopelt.export.peft_settings import peft_settings
from autopelt.export.recipe import recipe
from autopelt.export.study import export_study
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, count_attached
from autopelt.modules.parameter_groups import parameter_groups

KEYS = json.loads((Path(__file__).parents[1] / "fixtures" / "trainer_keys.json").read_text())
"""Names that the programs know, each with the version and the file they were read from."""

pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")  # peft's

MIXED = Architecture(
    (
        *LORA.modules,
        Module("lora", "ffn.in", 1, 2, alpha=4.0),
        *(Module("lora", "attention.output", layer, 8, alpha=16.0) for layer in range(LAYERS)),
    )
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of `autopelt train`."""
    return trained_on_pairs(tmp_path_factory.mktemp("pairs"), weight_decay=0.1, schedule="cosine")


def known(name, part="keys"):
    return set(KEYS[name][part].split())


def called(script, name):
    """The keywords of the one call of `name` in a script."""
    calls = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Call)]
    (call,) = [node for node in calls if getattr(node.func, "id", "") == name]
    return {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def with_architecture(folder, tmp_path, architecture, **training):
    """A copy of a trained folder's records with another architecture or schedule."""
    record = json.loads((folder / "training.json").read_text())
    record["training"] |= training
    (tmp_path / "training.json").write_text(json.dumps(record))
    (tmp_path / "architecture.yaml").write_text(architecture.to_yaml())
    return str(tmp_path)


# ------------------------------------------------------------------ peft's settings
@pytest.mark.parametrize(
    "architecture",
    [
        LORA,
        MIXED,
        Architecture(tuple(replace(m, method="dora") for m in LORA.modules)),
        Architecture((Module("lora", "ffn.out", 0, 3, alpha=4.5), Module("lora", "ffn.in", 1, 3))),
        Architecture(
            tuple(
                Module("ia3", place, layer, 1)
                for layer in range(LAYERS)
                for place in ("attention.key", "attention.value", "ffn.out")
            )
        ),
    ],
    ids=["lora", "mixed", "dora", "alphas", "ia3"],
)
def test_peft_trains_as_many_parameters_on_the_same_maps(architecture, folder):
    model = folder.parent / "model"
    found = peft_settings(architecture, AutoConfig.from_pretrained(model), "causal_lm", "script")
    config = getattr(peft, found.config)(**found.settings, task_type="CAUSAL_LM")
    theirs = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(model), config)
    ours = AutoModelForCausalLM.from_pretrained(model)
    attach(ours, architecture, random_seed=0)
    assert found.rate == parameter_groups(ours)[0]["lr"]
    assert theirs.get_nb_trainable_parameters()[0] == count_attached(ours).trained
    scales = {
        name.removeprefix("base_model.model."): layer.scaling["default"]
        for name, layer in theirs.named_modules()
        if isinstance(getattr(layer, "scaling", None), dict) and "default" in layer.scaling
    }
    wanted = sorted(m.alpha / m.size if m.alpha else 1.0 for m in architecture.modules)
    assert found.config == "IA3Config" or sorted(scales.values()) == wanted


def test_names_are_short_where_all_layers_are_alike(folder):
    config = AutoConfig.from_pretrained(folder.parent / "model")
    found = peft_settings(MIXED, config, "causal_lm", "script").settings
    assert found["target_modules"] == ["model.layers.1.mlp.up_proj", "o_proj", "q_proj", "v_proj"]
    assert (found["r"], found["lora_alpha"]) == (8, 16)
    up = {"model.layers.1.mlp.up_proj": 2}
    assert found["rank_pattern"] == {**up, "q_proj": 4, "v_proj": 4}
    assert found["alpha_pattern"] == {"model.layers.1.mlp.up_proj": 4, "q_proj": 4, "v_proj": 4}


@pytest.mark.parametrize(
    ("architecture", "why"),
    [
        (Architecture(), "no module is attached, so there is nothing to train"),
        (
            Architecture((Module("prefix", "attention", 0, 2),)),
            "prefix at 0/attention is of",
        ),
        (Architecture((Module("lora", "ffn.in", 0, 2, gate="mean"),)), "0/ffn.in has a gate"),
        (Architecture((Module("lora", "ffn.in", 0, 2, start="eva"),)), "starts at eva, for which"),
        (Architecture((Module("adalora", "ffn.in", 0, 2),)), "adalora at 0/ffn.in is of a method"),
        (
            Architecture((Module("lora", "ffn.in", 0, 2), Module("dora", "ffn.out", 0, 2))),
            "dora at 0/ffn.out is trained with other settings than lora at 0/ffn.in",
        ),
        (
            Architecture((Module("lora", "ffn.in", 0, 2), Module("ia3", "ffn.out", 0, 1))),
            "ia3 at 0/ffn.out is trained with other settings than lora at 0/ffn.in",
        ),
    ],
)
@pytest.mark.parametrize("to", ["script", "axolotl", "llama-factory"])
def test_what_peft_begins_otherwise_is_refused_in_one_line(architecture, why, to, folder, tmp_path):
    name = with_architecture(folder, tmp_path, architecture)
    with pytest.raises(UsageError, match=f"cannot export to {to}: .*{why}") as refused:
        export_study(name, to, tmp_path / "out")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("quantised", "script", "axolotl", "factory"),
    [
        ("int8", "load_in_8bit=True", {"adapter": "lora", "load_in_8bit": True}, 8),
        ("nf4", 'bnb_4bit_quant_type="nf4"', {"adapter": "qlora", "load_in_4bit": True}, 4),
    ],
)
def test_a_quantised_backbone_is_quantised_elsewhere(
    quantised, script, axolotl, factory, folder, tmp_path
):
    name = with_architecture(folder, tmp_path, LORA, precision=quantised)
    record = json.loads((tmp_path / "training.json").read_text())
    record["setup"]["quantised"] = quantised
    (tmp_path / "training.json").write_text(json.dumps(record))
    text = (export_study(name, "script", tmp_path / "trl") / "train.py").read_text()
    compile(text, "train.py", "exec")
    assert script in text
    out = export_study(name, "axolotl", tmp_path / "a") / "axolotl.yaml"
    assert axolotl.items() <= yaml.safe_load(out.read_text()).items()
    out = export_study(name, "llama-factory", tmp_path / "f") / "llama_factory.yaml"
    told = yaml.safe_load(out.read_text())
    assert set(told) <= known("llama-factory")
    assert told["quantization_bit"] == factory


def test_a_part_of_a_fused_map_is_refused():
    config = AutoConfig.for_model("gpt2", n_embd=16, n_layer=2, n_head=2, vocab_size=30)
    part = Architecture((Module("lora", "attention.query", 1, 2),))
    with pytest.raises(UsageError, match="is on a part of a fused map"):
        peft_settings(part, config, "causal_lm", "script")
    whole = Architecture((Module("lora", "ffn.in", 1, 2),))
    assert peft_settings(whole, config, "causal_lm", "script").settings["fan_in_fan_out"]


# ------------------------------------------------------------------ TRL
def test_the_script_for_trl_has_the_trainings_settings(folder, tmp_path):
    name = with_architecture(folder, tmp_path, MIXED, learning_rate_factor=0.2, warmup=0.5)
    export_study(name, "script", tmp_path / "out")
    script = (tmp_path / "out" / "train.py").read_text()
    told = called(script, "SFTConfig")
    assert set(told) <= known("trl")
    expected = {
        "learning_rate": "0.0002",
        "lr_scheduler_type": "'cosine'",
        "warmup_steps": "1",  # of 3 steps 2, the second of which is at the full rate
        "weight_decay": "0.1",
        "per_device_train_batch_size": "8",
        "max_length": "32",
        "completion_only_loss": "True",
        "packing": "False",
        "seed": "7",
    }
    assert expected.items() <= told.items()
    adapter = called(script, "LoraConfig")
    assert set(adapter) <= {field.name for field in fields(peft.LoraConfig)}
    assert ast.literal_eval(adapter["rank_pattern"])["q_proj"] == 4
    assert "VALUE>" not in script
    assert Architecture.from_yaml((tmp_path / "out" / "architecture.yaml").read_text()) == MIXED
    train, selection = (rows(tmp_path / "out/data" / f"{n}.jsonl") for n in ("train", "selection"))
    assert train[0] == {"prompt": "the cat 1 sat\n", "completion": "the mat 1"}
    assert not {row["prompt"] for row in train} & {row["prompt"] for row in selection}


def test_what_trl_would_cut_otherwise_goes_as_tokens(folder, tmp_path):
    record = json.loads((folder / "training.json").read_text())
    record["setup"]["max_length"] = 10
    (tmp_path / "training.json").write_text(json.dumps(record))
    (tmp_path / "architecture.yaml").write_text(LORA.to_yaml())
    export_study(str(tmp_path), "script", tmp_path / "out")
    script = (tmp_path / "out" / "train.py").read_text()
    assert "tokens and labels, of which TRL would make" in script
    assert "completion_only_loss" not in script
    chosen = recipe(choose(str(tmp_path), "script"), "script")
    first = rows(tmp_path / "out/data/train.jsonl")[0]
    trained = {key: chosen.encoded["train"][0][key] for key in ("input_ids", "labels")}
    assert first == {"prompt": "the cat 1 sat\n", "completion": "the mat 1", **trained}
    assert len(first["input_ids"]) <= 10


def test_a_whole_model_needs_no_peft(folder, tmp_path):
    name = with_architecture(folder, tmp_path, Architecture(full=True), dropout=False)
    script = export_study(name, "script", tmp_path / "out") / "train.py"
    assert "peft_config" not in script.read_text()
    assert "module.p = 0.0" in script.read_text()
    assert called(script.read_text(), "SFTConfig")["learning_rate"] == "5e-05"
    compile(script.read_text(), "train.py", "exec")


def test_ia3_has_no_weight_decay_in_trl(folder, tmp_path):
    modules = tuple(Module("ia3", "ffn.out", layer, 1) for layer in range(LAYERS))
    name = with_architecture(folder, tmp_path, Architecture(modules))
    script = (export_study(name, "script", tmp_path / "out") / "train.py").read_text()
    assert called(script, "SFTConfig")["weight_decay"] == "0.0"
    assert called(script, "IA3Config")["feedforward_modules"] == "['down_proj']"


def test_the_script_runs_in_trl_and_begins_at_the_same_loss(folder, tmp_path):
    """At a rate of 0 the selection loss of TRL is the untrained model's in autopelt."""
    pytest.importorskip("trl", reason="trl is not installed")
    script = export_study(str(folder), "script", tmp_path / "out") / "train.py"
    text = script.read_text().replace("learning_rate=0.001", "learning_rate=0.0, max_steps=2")
    script.write_text(text)
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = float(re.search(r"selection loss ([\d.]+)", ran.stdout)[1])
    chosen = recipe(choose(str(folder), "script"), "script")
    model, encoded = AutoModelForCausalLM.from_pretrained(chosen.model), chosen.encoded["selection"]
    batch = chosen.task.collate(encoded.to_list(), chosen.tokenizer)
    expected = chosen.task.loss(model(**batch), batch).item()
    assert found == pytest.approx(expected, abs=1e-4)
    assert (tmp_path / "out" / "model" / "adapter_config.json").is_file()


# ------------------------------------------------------------------ axolotl, LLaMA-Factory
def test_axolotl_is_told_in_keys_that_it_knows(folder, tmp_path):
    name = with_architecture(folder, tmp_path, MIXED)
    out = export_study(name, "axolotl", tmp_path / "out").resolve()
    told = yaml.safe_load((out / "axolotl.yaml").read_text())
    assert set(told) <= known("axolotl")
    for split, data in zip(("train", "selection"), (told["datasets"], told["test_datasets"])):
        assert set(data[0]) <= known("axolotl dataset")
        assert set(data[0]["type"]) <= known("axolotl type")
        assert data[0]["path"] == str(out / "data" / f"{split}.jsonl")
        assert Path(data[0]["path"]).is_file()
    assert told["base_model"] == str((folder.parent / "model").resolve())
    assert (told["lora_r"], told["lora_alpha"], told["lora_rank_pattern"]["q_proj"]) == (8, 16, 4)
    values = {"learning_rate": 1e-3, "lr_scheduler": "cosine", "micro_batch_size": 8, "seed": 7}
    assert values.items() <= told.items()


def test_llama_factory_is_told_in_keys_that_it_knows(folder, tmp_path):
    out = export_study(str(folder), "llama-factory", tmp_path / "out").resolve()
    told = yaml.safe_load((out / "llama_factory.yaml").read_text())
    assert set(told) <= known("llama-factory")
    assert (told["lora_rank"], told["lora_alpha"], told["lora_target"]) == (4, 4, "q_proj,v_proj")
    assert told["dataset_dir"] == str(out / "data")
    about = json.loads((out / "data" / "dataset_info.json").read_text())
    assert set(about) == {"train", "selection"}
    for split in about.values():
        assert set(split) <= known("llama-factory dataset")
        assert set(split["columns"]) <= known("llama-factory dataset", "columns")
        assert (out / "data" / split["file_name"]).is_file()
    first = rows(out / "data" / "train.jsonl")[0]
    assert first == {"prompt": "the cat 1 sat\n", "completion": "the mat 1</s>"}


@pytest.mark.parametrize(
    ("to", "modules", "why"),
    [
        ("llama-factory", MIXED.modules, "it has one rank for all maps, and here they are 2, 4, 8"),
        (
            "llama-factory",
            (replace(LORA.modules[0], alpha=8.0), *LORA.modules[1:]),
            "it has one alpha for all maps, and here they are 4, 8",
        ),
        ("axolotl", (Module("lora", "ffn.in", 0, 3, alpha=4.9),), "whole number, and here one is"),
        ("axolotl", (Module("ia3", "ffn.out", 0, 1),), "LoRA, DoRA and whole models, and this is"),
        ("llama-factory", (Module("ia3", "ffn.out", 0, 1),), "and this is ia3"),
    ],
)
def test_what_they_lack_is_refused_with_what_has_it(to, modules, why, folder, tmp_path):
    name = with_architecture(folder, tmp_path, Architecture(modules))
    with pytest.raises(UsageError, match=f"cannot export to {to}: .*{why}.*script") as refused:
        export_study(name, to, tmp_path / "out")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("to", ["script", "axolotl", "llama-factory"])
def test_a_folder_without_data_or_schedule_is_refused(to, folder, tmp_path):
    (tmp_path / "autopelt.json").write_text("{}")
    with pytest.raises(UsageError, match="an exported folder, which keeps neither data nor sched"):
        export_study(str(tmp_path), to, tmp_path / "out")
    with pytest.raises(UsageError, match="is no study and no folder of a trained model"):
        export_study(str(tmp_path / "nowhere"), to, tmp_path / "out")


# ------------------------------------------------------------------ chats
@pytest.fixture(scope="module")
def chat(tmp_path_factory):
    """Makes folders of `autopelt train`, each kind once."""
    made = {}

    def make(name, template, turns, **named):
        if name not in made:
            at = tmp_path_factory.mktemp(name)
            made[name] = trained_on_chats(at, template, chats(turns), **named)
        return made[name]

    return make


@pytest.mark.parametrize(
    ("name", "template", "turns", "named", "argument", "columns"),
    [
        ("one", CHATML, 2, {}, "completion_only_loss", {"prompt", "completion"}),
        ("last", CHATML, 4, {"loss_on": "last"}, "completion_only_loss", {"prompt", "completion"}),
        ("tagged", TAGGED, 4, {}, "assistant_only_loss", {"messages"}),
        ("given", CHATML, 4, {"chat_template": TAGGED}, "assistant_only_loss", {"messages"}),
        ("two", CHATML, 4, {}, "", {"messages", "input_ids", "labels"}),
        ("none", None, 4, {}, "", {"messages", "input_ids", "labels"}),
    ],
)
def test_trl_gets_conversations_as_it_makes_the_same_of_them(
    name, template, turns, named, argument, columns, chat, tmp_path
):
    """Readable where it can; the template goes along where it is not the tokenizer's."""
    folder = chat(name, template, turns, **named)
    out = export_study(str(folder), "script", tmp_path / "out")
    script, first = (out / "train.py").read_text(), rows(out / "data" / "train.jsonl")[0]
    told = called(script, "SFTConfig")
    assert {key for key in told if key.endswith("only_loss")} == ({argument} - {""})
    assert set(first) == columns
    if "labels" in first:
        learned = [token for token, label in zip(first["input_ids"], first["labels"]) if label >= 0]
        tokenizer = recipe(choose(str(folder), "script"), "script").tokenizer
        end = tokenizer.eos_token
        assert tokenizer.decode(learned) == f"on the mat 0{end}it rained 0 times{end}"
    own = name not in ("given", "none")
    assert (out / "chat_template.jinja").is_file() != own
    assert ("tokenizer.chat_template = " in script) != own
    assert ("TRL also learns '\\n' behind an answer" in " ".join(script.split())) == (
        argument == "completion_only_loss"
    )


def test_axolotl_writes_chats_by_their_template(chat, tmp_path):
    out = export_study(str(chat("two", CHATML, 4)), "axolotl", tmp_path / "out")
    told = yaml.safe_load((out / "axolotl.yaml").read_text())
    assert told["chat_template"] == "tokenizer_default"
    (data,) = told["datasets"]
    assert set(data) <= known("axolotl dataset")
    assert (data["type"], data["roles_to_train"]) == ("chat_template", ["assistant"])
    assert set(rows(out / "data" / "train.jsonl")[0]) == {"messages"}
    out = export_study(str(chat("none", None, 4)), "axolotl", tmp_path / "none").resolve()
    told = yaml.safe_load((out / "axolotl.yaml").read_text())
    template = str(out / "chat_template.jinja")
    for keys in (told, told["datasets"][0]):
        assert (keys["chat_template"], keys["chat_template_jinja"]) == ("jinja", template)
    assert Path(template).is_file()


def test_axolotl_is_told_which_turn_is_learned(chat, tmp_path):
    folder = chat("last", CHATML, 4, loss_on="last")
    out = export_study(str(folder), "axolotl", tmp_path / "out")
    (data,) = yaml.safe_load((out / "axolotl.yaml").read_text())["datasets"]
    assert (data["roles_to_train"], data["message_field_training"]) == ([], "train")
    turns = rows(out / "data" / "train.jsonl")[0]["messages"]
    assert [turn["train"] for turn in turns] == [False] * (len(turns) - 1) + [True]


def test_llama_factory_reads_chats_by_the_tokenizers_template(chat, tmp_path):
    folder = chat("last", CHATML, 4, loss_on="last")
    out = export_study(str(folder), "llama-factory", tmp_path / "out")
    told = yaml.safe_load((out / "llama_factory.yaml").read_text())
    assert set(told) <= known("llama-factory")
    assert "template" not in told
    assert told["mask_history"]
    about = json.loads((out / "data" / "dataset_info.json").read_text())["train"]
    assert about["formatting"] == "sharegpt"
    assert set(about["columns"]) <= known("llama-factory dataset", "columns")
    assert set(about["tags"]) <= known("llama-factory dataset", "tags")
    with pytest.raises(UsageError, match="takes the chat template from the tokenizer"):
        export_study(str(chat("none", None, 4)), "llama-factory", tmp_path / "none")


def test_llama_factory_would_write_or_skip_other_turns_than_the_users(tmp_path):
    odd = chats(4)
    for row in odd:
        row["messages"][-2]["role"] = "tool"
    folder = trained_on_chats(tmp_path, CHATML, odd)
    with pytest.raises(UsageError, match="takes turns of user and assistant only, and not the con"):
        export_study(str(folder), "llama-factory", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_conversations_go_along_as_they_were_cut_or_without_those_left_out(tmp_path):
    folder = trained_on_chats(tmp_path, CHATML, chats(4), too_long="drop")
    record = json.loads((folder / "training.json").read_text())
    record["setup"]["max_length"] = 75
    (folder / "training.json").write_text(json.dumps(record))
    made = recipe(choose(str(folder), "script"), "script")
    counts = {name: len(few) for name, few in made.rows.items()}
    assert counts == {name: len(encoded) for name, encoded in made.encoded.items()}
    assert sum(counts.values()) < sum(map(len, made.splits.values()))


def test_a_rate_on_a_wide_decoder_is_that_of_our_own_loop():
    sizes = {"vocab_size": 64, "hidden_size": 1536, "intermediate_size": 64}
    config = LlamaConfig(**sizes, num_hidden_layers=1, num_attention_heads=2)
    lora = Architecture((Module("lora", "attention.query", 0, 2),), learning_rate_multiplier=3)
    assert peft_settings(lora, config, "causal_lm", "script").rate == pytest.approx(1.5e-3)
    full = peft_settings(Architecture(full=True), config, "causal_lm", "script")
    assert full.rate == pytest.approx(2.5e-5)
