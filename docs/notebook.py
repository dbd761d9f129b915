# %% [markdown]
# # A search from Python
#
# Cells as VS Code, Spyder and Jupytext read them. This study is tiny, to be over in a minute: its
# scores mean nothing. Leave out everything after `budget` for a real one.

# %%
import torch

import autopelt

study = autopelt.search(
    "demo",
    budget="1%",
    space="tiny",
    trials=4,
    seeds="head-only,lora-r8",
    epochs=1,
    train_examples=96,
    workers=1,
    out="reports/notebook",
)

# %% [markdown]
# ## What was found

# %%
table = study.trials()
print(table[["label", "score", "share", "architecture"]])

# %%
print(study.front()[["expected", "share", "deployed", "architecture"]])

# %%
study.plot_front()

# %% [markdown]
# ## An ordinary model

# %%
model, tokenizer = study.load("best"), study.tokenizer()
batch = tokenizer(["the cat sleeps"], ["an animal sleeps"], return_tensors="pt")
with torch.no_grad():
    shares = model(**batch).logits.softmax(-1)[0]
print({model.config.id2label[i]: round(float(share), 3) for i, share in enumerate(shares)})

# %% [markdown]
# ## A model to keep

# %%
trained = autopelt.train(study, epochs=2)
print(trained["report"])
model, tokenizer = autopelt.load_exported(trained["folder"])
