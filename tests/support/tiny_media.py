"""Folders of small pictures and tones, and random models that take them, with their processors."""

from pathlib import Path

import numpy as np
import soundfile
import torch
from PIL import Image
from transformers import (
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessor,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

VIT = ViTConfig(
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
    image_size=16,
    patch_size=8,
)
WHISPER = WhisperConfig(
    vocab_size=60,
    d_model=16,
    encoder_layers=2,
    decoder_layers=2,
    encoder_attention_heads=2,
    decoder_attention_heads=2,
    encoder_ffn_dim=32,
    decoder_ffn_dim=32,
    max_source_positions=50,
    max_target_positions=20,
    num_mel_bins=8,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
    decoder_start_token_id=1,
)
RATE = 8000


def pictures(folder: Path, each: int = 12) -> Path:
    """`each` reddish and as many bluish pictures, in two folders."""
    drawn = np.random.default_rng(0)
    for name, colour in (("red", (220, 40, 40)), ("blue", (40, 40, 220))):
        (folder / name).mkdir(parents=True)
        for i in range(each):
            noisy = drawn.normal(0, 20, (20, 24, 3)) + np.array(colour)
            Image.fromarray(noisy.clip(0, 255).astype("uint8")).save(folder / name / f"{i}.png")
    return folder


def sounds(folder: Path, each: int = 6) -> Path:
    """`each` low and as many high tones of a quarter of a second."""
    seconds = np.arange(RATE // 4) / RATE
    for name, hertz in (("low", 200), ("high", 2000)):
        (folder / name).mkdir(parents=True)
        for i in range(each):
            tone = 0.5 * np.sin(2 * np.pi * (hertz + i) * seconds)
            soundfile.write(folder / name / f"{i}.wav", tone.astype("float32"), RATE)
    return folder


def vit(folder: Path) -> Path:
    """A ViT as it is published, with a head of other classes."""
    torch.manual_seed(0)
    ViTForImageClassification(VIT).save_pretrained(folder)
    ViTImageProcessor(size={"height": 16, "width": 16}).save_pretrained(folder)
    return folder


def whisper(folder: Path) -> Path:
    """A Whisper as it is published: with a decoder, to write what it hears."""
    torch.manual_seed(0)
    WhisperForConditionalGeneration(WHISPER).save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=8, chunk_length=1).save_pretrained(folder)
    return folder
