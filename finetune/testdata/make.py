"""Makes the files beside it: pip install torch timm safetensors; python make.py

A small classifier of timm's with random weights, as timm saves it, and its
scores of two images."""
import timm
import torch
from safetensors.torch import save_file

torch.manual_seed(1)
model = timm.create_model("vit_base_patch16_224", num_classes=3, global_pool="avg", img_size=16, patch_size=4,
                          embed_dim=16, depth=2, num_heads=2, init_values=0.5).eval()
with torch.no_grad():
    for name, p in model.named_parameters():
        p.copy_(torch.randn_like(p) * 0.3 + (1 if name.endswith(("norm1.weight", "norm2.weight", "fc_norm.weight")) else 0))
    images = torch.randn(2, 3, 16, 16)
    save_file({"images": images, "scores": model(images)}, "scores.safetensors")
save_file({k: v.contiguous() for k, v in model.state_dict().items()}, "classifier.safetensors")
