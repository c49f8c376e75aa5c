"""Makes the files beside it: pip install torch timm safetensors; python make.py

A small ViT of timm's with random weights, saved as different projects do, and
its tokens for two images at two sizes."""
import torch
from safetensors.torch import save_file
from timm.layers import resample_abs_pos_embed
from timm.models.vision_transformer import VisionTransformer

torch.manual_seed(1)


def vit(**options):
    model = VisionTransformer(
        img_size=16, patch_size=4, embed_dim=16, depth=2, num_heads=2, num_classes=0, **options)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.3)
        for name, p in model.named_parameters():
            if name.endswith(("norm1.weight", "norm2.weight", "norm.weight")):
                p.add_(1)
    return model.eval()


def tokens(model, images):
    """forward_features at the images' size."""
    size = images.shape[-1]
    pos = model.pos_embed
    if size != 16:
        pos = resample_abs_pos_embed(pos, [size // 4, size // 4], num_prefix_tokens=1)
    with torch.no_grad():
        x = model.patch_embed.proj(images).flatten(2).transpose(1, 2)
        x = torch.cat([model.cls_token.expand(len(x), -1, -1), x], 1) + pos
        return model.norm(model.blocks(x))


plain, momentum, scaled = vit(), vit(), vit(init_values=0.5)
images = {size: torch.randn(2, 3, size, size) for size in (8, 16, 24)}
expect = {"images.%d" % s: x for s, x in images.items()}
for name, model in (("plain", plain), ("momentum", momentum), ("scaled", scaled)):
    for size, x in images.items():
        expect["%s.%d" % (name, size)] = tokens(model, x).contiguous()
assert torch.allclose(expect["plain.16"], plain.forward_features(images[16]).detach(), atol=1e-6)
save_file(expect, "tokens.safetensors")

save_file({k: v.contiguous() for k, v in plain.state_dict().items()}, "timm.safetensors")
torch.save(scaled.state_dict(), "scaled.pth")
torch.save({"model": {**plain.state_dict(), "mask_token": torch.zeros(1, 1, 8),
                      "decoder_blocks.0.norm1.weight": torch.ones(8), "head.weight": torch.ones(3, 16)}, "epoch": 800}, "mae.pth")
torch.save({"state_dict": {**{"module.base_encoder." + k: v for k, v in plain.state_dict().items()},
                           **{"module.momentum_encoder." + k: v for k, v in momentum.state_dict().items()},
                           "module.predictor.0.weight": torch.ones(2, 2)}, "arch": "vit_small"},
           "moco.pth.tar", _use_new_zipfile_serialization=False)
