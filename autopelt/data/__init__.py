"""Data: files of users, benchmarks and the Hub as examples, and the cut into splits.

source: what a run may draw from and what it got; encoding: text of files; readers: what a table is;
delimited, json_files, conll, squad, aligned, offsets, conversations: formats; media: pictures
and sounds; user_files: which reader; hub: the Hugging Face Hub; benchmark: folder or Hub; splits:
the cut; draw: which examples it takes; duplicates: examples that say the same; sanity: what is a
mistake; recorded: what a study had; general_text: what forgetting is measured on.
"""
