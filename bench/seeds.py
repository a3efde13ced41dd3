"""Seeds by role: what a random stream is for and belongs to decides its seed, and nothing else does."""

import hashlib
import json

import torch


def generator(role: str, *identity: str | int | None) -> torch.Generator:
    """The stream of one role (starts, noise, init, batches, test ...) of one part of a cell's identity."""
    text = json.dumps([role, *identity])
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
    return torch.Generator().manual_seed(seed)
