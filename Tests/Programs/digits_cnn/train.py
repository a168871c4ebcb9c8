"""Train a small convolutional network on scikit-learn's handwritten digits.

    python train.py --epochs 6 --lr 2e-3
"""

import argparse
import logging
import random
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

logger = logging.getLogger("digits")


class Net(nn.Module):
    def __init__(self, width=16, dropout=0.25):
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(width, 2 * width, kernel_size=3, padding=1)
        self.bn = nn.BatchNorm2d(2 * width)
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(2 * width * 4 * 4, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.bn(self.conv2(x)))
        x = F.max_pool2d(x, 2)
        x = self.dropout(x)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = self.dropout(x)
        return F.log_softmax(self.fc2(x), dim=1)


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def augment(images):
    """Shift a batch by a pixel now and then, as a hand would."""
    if random.random() < 0.5:
        shift = int(np.random.randint(-1, 2))
        images = torch.roll(images, shifts=shift, dims=3)
    return images + 0.05 * torch.randn_like(images)


def make_loaders(batch_size, seed):
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)[:, None]
    train_x, test_x, train_y, test_y = train_test_split(
        images, digits.target, test_size=0.2, random_state=seed, stratify=digits.target
    )
    train_set = TensorDataset(torch.from_numpy(train_x), torch.from_numpy(train_y))
    test_set = TensorDataset(torch.from_numpy(test_x), torch.from_numpy(test_y))
    return (
        DataLoader(train_set, batch_size=batch_size, shuffle=True, drop_last=True),
        DataLoader(test_set, batch_size=256),
    )


def train(args, model, device, train_loader, optimizer, epoch):
    model.train()
    total_loss = 0.0
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = augment(data.to(device)), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        total_loss += loss.item()
        if batch_idx % args.log_interval == 0:
            print(
                "Train Epoch: {} [{}/{}]\tLoss: {:.6f}".format(
                    epoch, batch_idx * len(data), len(train_loader.dataset), loss.item()
                )
            )
    return total_loss / len(train_loader)


@torch.no_grad()
def evaluate(model, device, test_loader):
    model.eval()
    test_loss = 0.0
    correct = 0
    for data, target in test_loader:
        data, target = data.to(device), target.to(device)
        output = model(data)
        test_loss += F.nll_loss(output, target, reduction="sum").item()
        pred = output.argmax(dim=1, keepdim=True)
        correct += pred.eq(target.view_as(pred)).sum().item()
    size = len(test_loader.dataset)
    return test_loss / size, correct / size


def main():
    parser = argparse.ArgumentParser(description="Handwritten digits, 8x8")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--gamma", type=float, default=0.7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log-interval", type=int, default=20)
    parser.add_argument("--save-model", action="store_true")
    args = parser.parse_args()

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    set_seed(args.seed)
    device = torch.device("cpu")
    train_loader, test_loader = make_loaders(args.batch_size, args.seed)
    model = Net().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=2, gamma=args.gamma)
    logger.info("parameters: %d", sum(p.numel() for p in model.parameters()))

    best = 0.0
    history = []
    started = time.perf_counter()
    for epoch in range(1, args.epochs + 1):
        train_loss = train(args, model, device, train_loader, optimizer, epoch)
        test_loss, accuracy = evaluate(model, device, test_loader)
        scheduler.step()
        history.append((train_loss, test_loss, accuracy))
        best = max(best, accuracy)
        print(f"epoch {epoch}: train {train_loss:.4f} test {test_loss:.4f} acc {accuracy:.4f}")
    elapsed = time.perf_counter() - started

    logger.info("best accuracy %.4f after %d epochs", best, len(history))
    if args.save_model:
        torch.save(model.state_dict(), "digits_cnn.pt")
    if elapsed > 3600:
        logger.warning("that took more than an hour")


if __name__ == "__main__":
    main()
