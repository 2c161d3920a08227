"""Hugging Face's Trainer: a tiny BERT that learns which of two words stands in a sentence; no download."""

import sys

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

if "--no-seed" not in sys.argv:
    set_seed(11)
order = torch.Generator().manual_seed(0)
words = torch.randint(5, 100, (512, 16), generator=order)
labels = (words < 50).sum(1).gt(8).long()
data = [{"input_ids": row, "labels": label} for row, label in zip(words, labels, strict=True)]
config = BertConfig(
    vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
    max_position_embeddings=16,
)  # fmt: skip
model = BertForSequenceClassification(config)
arguments = TrainingArguments(
    output_dir=sys.argv[1], max_steps=60, per_device_train_batch_size=16, use_cpu=True, report_to=[],
    save_strategy="no", disable_tqdm=True,
)  # fmt: skip
Trainer(model=model, args=arguments, train_dataset=data).train()
