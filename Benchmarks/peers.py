"""The same network in PyTorch, for Benchmarks/bench.py: plain, with Opacus's hooks and with Opacus's ghost clipping.

What it is: the autoencoder of TabSyn (arXiv 2310.09656) on categorical tokens, written from layers that Opacus
supports, so that all three contestants run the very same module. What it is not: a training; every step sees the same
batch of made-up rows.

    B  rows in a batch      T  tokens, one a column      d  token width      h  heads      F  feed-forward width

    cells [B, T] → one embedding table, an offset a column → [B, T, d]
    two encoders of 2 blocks each → [d, d] → mean μ, log-variance (an offset a column)      z = μ + ε·exp(½ logσ²)
    z, an offset a column → decoder of 2 blocks → a linear head a column → Σ_columns cross-entropy + β KL
    block:  x + O(softmax(Q Kᵀ/√(d/h)) V) of norm(x);  x + W₂ relu(W₁ norm(x));  a norm after the last
"""
import math, time, warnings
import torch
from torch import nn
import torch.nn.functional as F

warnings.filterwarnings("ignore")

LEVELS = [20, 9, 20, 16, 16, 7, 15, 6, 5, 2, 6, 6, 16, 20, 2]     # adult's columns after binning
SHAPES = {"narrow": (4, 1), "wide": (32, 4)}                      # token width, heads
# of the blocks' linear maps; of the norms: as in flip-bench
BIASES, AFFINE = False, False
FEED, BLOCKS, BATCH, BETA, CLIP, NOISE, RATE = 128, 2, 1024, .5, 1.0, 1.6, 1e-3


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = (nn.LayerNorm(d, elementwise_affine=AFFINE) for _ in range(2))
        self.qkv, self.out = nn.Linear(d, 3 * d, bias=BIASES), nn.Linear(d, d, bias=BIASES)
        self.up, self.down = nn.Linear(d, FEED, bias=BIASES), nn.Linear(FEED, d, bias=BIASES)

    def forward(self, x):                                         # [B, T, d]
        B, T, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(B, T, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(B, T, d)
        x = x + self.out(a)
        return x + self.down(F.relu(self.up(self.norm2(x))))


def transformer(d, heads):
    return nn.Sequential(*(Block(d, heads) for _ in range(BLOCKS)), nn.LayerNorm(d, elementwise_affine=AFFINE))


class Offset(nn.Module):
    """x + a vector of each column's own; Opacus is told its per-example gradient below."""

    def __init__(self, T, d):
        super().__init__()
        self.vector = nn.Parameter(torch.zeros(T, d))

    def forward(self, x):
        return x + self.vector


class Autoencoder(nn.Module):
    """Returns the loss of each row, [B]."""

    def __init__(self, d, heads, levels=LEVELS):
        super().__init__()
        T = len(levels)
        self.token = nn.Embedding(sum(levels), d)
        self.offset, self.logvar_offset, self.decoder_offset = (Offset(T, d) for _ in range(3))
        self.encoder, self.variance, self.decoder = (transformer(d, heads) for _ in range(3))
        self.mean, self.logvar = (nn.Linear(d, d, bias=False) for _ in range(2))
        self.head = nn.ModuleList(nn.Linear(d, k) for k in levels)
        self.first = torch.tensor([sum(levels[:j]) for j in range(T)])

    def forward(self, cells):                                     # [B, T] int64
        x = self.offset(self.token(cells + self.first))
        mean, logvar = self.mean(self.encoder(x)), self.logvar_offset(self.logvar(self.variance(x)))
        z = mean + torch.randn_like(mean) * torch.exp(.5 * logvar)
        y = self.decoder(self.decoder_offset(z))
        entropy = sum(F.cross_entropy(head(y[:, j]), cells[:, j], reduction="none") for j, head in enumerate(self.head))
        kl = -.5 * (1 + logvar - mean * mean - logvar.exp()).sum((1, 2))
        return entropy + BETA * kl


def flops_per_row(d, heads, levels=LEVELS):
    """Multiplications and additions of the matrix products of one row, forward (2·m·n·k each), and three times that for
    forward + backward.

    The count of the *non-private* step: what clipping costs on top lowers a share of peak computed from it, as it
    should."""
    T, blocks = len(levels), 3 * BLOCKS
    block = 2 * T * d * d * 4 + 2 * 2 * T * T * d + 2 * 2 * T * d * FEED
    return 3 * (blocks * block + 2 * 2 * T * d * d + sum(2 * d * k for k in levels))


def weights(d, heads):
    return sum(p.numel() for p in Autoencoder(d, heads).parameters())


def rows(batch=BATCH, levels=LEVELS):
    g = torch.Generator().manual_seed(1)
    return torch.stack([torch.randint(0, k, (batch,), generator=g) for k in levels], 1)


def teach_opacus():
    """What Opacus needs to know of Offset: its per-example gradient is the output's, and so is its norm."""
    from opacus.grad_sample import register_grad_sampler, register_norm_sampler

    @register_grad_sampler(Offset)
    def gradient(layer, activations, backprops):
        return {layer.vector: backprops}

    @register_norm_sampler(Offset)
    def norm(layer, activations, backprops):
        return {layer.vector: backprops.flatten(1).norm(2, dim=1)}


class Plain:
    """PyTorch without privacy."""
    name = "torch"

    def __init__(self, d, heads):
        torch.manual_seed(0)
        self.cells, self.net = rows(), Autoencoder(d, heads)
        self.optimizer = torch.optim.Adam(self.net.parameters(), RATE)

    def step(self):
        self.optimizer.zero_grad()
        self.net(self.cells).mean().backward()
        self.optimizer.step()


class Hooks:
    """Opacus, per-example gradients stored by hooks."""
    name = "opacus_hooks"

    def __init__(self, d, heads):
        from opacus.grad_sample import GradSampleModule
        from opacus.optimizers import DPOptimizer
        teach_opacus()
        torch.manual_seed(0)
        self.cells, self.net = rows(), GradSampleModule(Autoencoder(d, heads))
        self.optimizer = DPOptimizer(torch.optim.Adam(self.net.parameters(), RATE), noise_multiplier=NOISE,
                                     max_grad_norm=CLIP, expected_batch_size=BATCH)

    def step(self):
        self.optimizer.zero_grad()
        self.net(self.cells).mean().backward()
        self.optimizer.step()


class Ghost:
    """Opacus, ghost clipping: norms first, then a second weighted backward pass."""
    name = "opacus_ghost"

    def __init__(self, d, heads):
        from opacus.grad_sample import GradSampleModuleFastGradientClipping
        from opacus.optimizers import DPOptimizerFastGradientClipping
        from opacus.utils.fast_gradient_clipping_utils import DPTensorFastGradientClipping
        teach_opacus()
        torch.manual_seed(0)
        self.cells, self.wrap = rows(), DPTensorFastGradientClipping
        self.net = GradSampleModuleFastGradientClipping(Autoencoder(d, heads), max_grad_norm=CLIP,
                                                        use_ghost_clipping=True)
        self.optimizer = DPOptimizerFastGradientClipping(torch.optim.Adam(self.net.parameters(), RATE),
                                                         noise_multiplier=NOISE,
                                                         max_grad_norm=CLIP, expected_batch_size=BATCH)

    def step(self):
        self.optimizer.zero_grad()
        self.wrap(self.net, self.optimizer, self.net(self.cells), "mean").backward()
        self.optimizer.step()


CONTESTANTS = [Plain, Hooks, Ghost]


def rows_per_second(contestant, seconds):
    """Rows a second over at least `seconds` of steps."""
    steps, start = 0, time.perf_counter()
    while True:
        contestant.step()
        steps += 1
        spent = time.perf_counter() - start
        if spent >= seconds and steps >= 2:
            return BATCH * steps / spent


def sgemm_peak(seconds=.4, n=1024):
    """GFLOP/s of a 1024³ single-precision matrix product."""
    a, b, c = torch.randn(n, n), torch.randn(n, n), torch.empty(n, n)
    torch.mm(a, b, out=c)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        torch.mm(a, b, out=c)
        count += 1
    return 2 * n ** 3 * count / (time.perf_counter() - start) / 1e9
