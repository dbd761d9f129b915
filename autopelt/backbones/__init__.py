"""Backbones: pretrained transformers, their families as data, their shapes, their loading.

source: what a name means; load: configuration, tokenizer, model; identity: which weights;
families: a row a family; description: one from a user; structure: where the places of a model are,
found by a pass (recorder) of a model without weights (weightless), by what flows where (dataflow)
in a layer (layer_places); backbone: the sites of a loaded model; shapes: sizes without weights;
sizes: the same by a name, remembered; boundary: where a trunk ends; head: the task head; bf16,
quantised: weights kept in fewer bits; pooler: where a checkpoint has none; last_token: what a
decoder's classifier reads; language_model: with its own head; quiet: no advice on the screen.
"""
