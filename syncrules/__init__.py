"""What is in scope and how a value crosses: mappings, rules, and the merge of one pair. Pure but for `models`."""
