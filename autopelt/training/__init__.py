"""Training: architectures on a task, from batches to a model to ship.

spec: what a worker is told; results: what it tells; trial: the whole of it; context: model and
data, kept warm; loop: epochs; trainee: what the loop trains, single or a population (group);
batches, packing, checkpointing, gradient_accumulation, precision, dropout, modes; trunk,
shared_arrays, fingerprint: what is computed once; held_out: the report split; rehearsal: a step
before anything starts; sampled_texts: scores of texts beside the loss; example_groups: what a score
owes to the examples; final: a model to ship; costs, profile: time and memory; threads: of a
processor; forgetting: what is lost of the backbone; own_model, own_trial: a model and a training of
the user's; directions: of the inputs of linear maps, where LoRA starts.
"""
