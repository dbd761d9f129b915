"""Train one architecture on one task: batches, the loop, a trial, a model to ship."""
