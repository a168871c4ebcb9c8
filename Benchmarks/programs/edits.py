"""The anchor program as each recorder wants it, and with what is asked of it afterwards."""

from __future__ import annotations

import os

_HERE = os.path.dirname(os.path.abspath(__file__))

OUTER = "sum(float((p**2).sum()) for p in model.parameters()) ** 0.5"
INNER = "sum(float((p.grad**2).sum()) for p in model.parameters()) ** 0.5"


def plain() -> str:
    with open(os.path.join(_HERE, "anchor.py")) as file:
        return file.read()


def asked(text: str, outer: str = "", inner: str = "") -> str:
    """With statements in the places that are marked."""
    return text.replace("        # inner\n", f"        {inner}\n" if inner else "").replace(
        "    # outer\n", f"    {outer}\n" if outer else ""
    )


def flordb() -> str:
    """FlorDB 4: both loops wrapped, values named, a checkpoint saved by hand."""
    text = plain().replace("import torch\n", "import flordb as flor\nimport torch\n", 1)
    text = text.replace(
        "EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 20", 'EPOCHS = flor.arg("epochs", 20)'
    )
    text = text.replace("in range(EPOCHS):", 'in flor.loop("epoch", range(EPOCHS)):')
    text = text.replace(
        "for step, (x, y) in enumerate(loader):", 'for x, y in flor.loop("step", loader):'
    )
    save = 'torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, "checkpoint.pth")'
    return text.replace(
        'print("epoch", epoch, "loss", loss.item())', f'flor.log("loss", loss.item())\n    {save}'
    )


def pyflor() -> str:
    """pyflor 2: both loops wrapped, what is saved named."""
    text = plain().replace(
        "import torch\n", "import os\n\nimport flor\nimport torch\nfrom flor import MTK as Flor\n", 1
    )
    text = text.replace("EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 20", "EPOCHS = 20")
    text = text.replace(
        "for epoch in range(EPOCHS):",
        "Flor.checkpoints(model, optimizer)\nloss = torch.zeros(())\n"
        'PROBED = True if os.environ.get("PROBED") else None\nfor epoch in Flor.loop(range(EPOCHS)):',
    )
    text = text.replace(
        "for step, (x, y) in enumerate(loader):", "for x, y in Flor.loop(loader, probed=PROBED):"
    )
    return text.replace('print("epoch", epoch, "loss", loss.item())', 'flor.log("loss", loss.item())')
