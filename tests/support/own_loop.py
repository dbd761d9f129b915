"""A model object and data of a user's own, tiny; and a training function as a user writes it."""

import torch
from transformers import BertConfig, BertForSequenceClassification

IDS = torch.randint(0, 30, (48, 8), generator=torch.Generator().manual_seed(0))
LABELS = (IDS[:, 0] > 15).long()


def own_model():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
        initializer_range=0.25,
    )
    return BertForSequenceClassification(config).eval()


def accuracy(model):
    with torch.no_grad():
        return float((model.eval()(input_ids=IDS).logits.argmax(-1) == LABELS).float().mean())


def step(model, optimiser):
    loss = model.train()(input_ids=IDS, labels=LABELS).loss
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


def train(model, trial):
    optimiser = torch.optim.AdamW(trial.parameter_groups())
    for _ in range(trial.epochs):
        step(model, optimiser)
        yield accuracy(model)
