"""Golden numbers for ttp-lib's optimizer: three steps of PyTorch's own Adam and AdamW.

Prints tests/golden/optimizer.rs. Run with torch 2.4.0:
    python environment/golden/optimizer.py > ttp-lib/tests/golden/optimizer.rs
"""

import torch

cases = [("AdamW", 1e9), ("Adam", 1e9), ("AdamW", 1.0), ("Adam", 1.0)]
print(f"// Made by environment/golden/optimizer.py with torch {torch.__version__}.")
print("pub const STEPS: [(Algorithm, f64, [f32; 3]); 4] = [")
for name, clip in cases:
    w = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
    optimizer = torch.optim.AdamW([w], lr=0.1, weight_decay=0.01) if name == "AdamW" else torch.optim.Adam([w], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (w**3).sum().backward()
        torch.nn.utils.clip_grad_norm_([w], clip)
        optimizer.step()
    print(f"    (Algorithm::{name}, {clip:.1f}, {[float(f'{x:.7g}') for x in w.tolist()]}),")
print("];")
