"""What the PyTorch watcher records of a step, in which order and under which names."""

import sys

import pytest


@pytest.fixture
def today():
    pytest.importorskip("torch", minversion="2.1")
    return sys.executable


@pytest.fixture
def seen(shared_run, lean):
    """Function(python, text) -> the process, which ended well and in which the probe did not fail."""

    def run(python, text, **config):
        trial = shared_run(
            python, "import torch, torch.nn as nn\ntorch.manual_seed(0)\n" + text, environment=lean, **config
        )
        assert trial.exit_code == 0, trial.stderr
        assert trial.only.failures == []
        return trial.only

    return run


STEP = """
net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)); opt = torch.optim.Adam(net.parameters())
for _ in range(2):
    opt.zero_grad(); nn.CrossEntropyLoss()(net(torch.randn(8, 4)), torch.randint(0, 3, (8,))).backward(); opt.step()
"""


def test_a_step_is_recorded_in_the_order_in_which_it_is_judged(seen, torch_python):
    process = seen(torch_python, STEP)
    kinds = [row[1] for row in process.rows if row[0] == 1]
    assert [kind for kind, before in zip(kinds, [None, *kinds], strict=False) if kind != before] == [
        *["rng", "batch", "forward", "batch", "forward", "gradient", "update"]
    ]
    assert {"torch", "python"} <= set(process.names("rng", 1))
    assert process.names("batch", 1) == ["0", "labels"]
    assert process.names("forward", 1) == ["output", "output", "loss"]
    weights = ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert process.names("gradient", 1) == weights
    update = process.names("update", 1)
    assert update[:6] == ["param_groups.0/lr", "param_groups.0", *weights]
    assert {"0.weight/exp_avg", "0.weight/exp_avg_sq", "0.weight/step"} <= set(update)
    assert update[-3:] == ["1.running_mean", "1.running_var", "1.num_batches_tracked"]


def test_start_and_end_hold_weights_and_buffers_under_the_same_names(seen, torch_python):
    process = seen(torch_python, STEP)
    buffers = ["1.running_mean", "1.running_var", "1.num_batches_tracked"]
    names = ["0.weight", "0.bias", "1.weight", "1.bias", *buffers]
    assert process.names("start", -1) == names
    assert process.names("end", 2) == names
    last = dict(process.prints("update", 1))
    assert all(last[name] == found for name, found in process.prints("end"))


def test_the_loss_and_the_learning_rate_are_kept_as_numbers(seen, torch_python):
    process = seen(torch_python, STEP)
    assert [(step, name) for step, name, _, _ in process.scalars if name == "loss"] == [(0, "loss"), (1, "loss")]
    assert {value for _, name, _, value in process.scalars if name == "param_groups.0/lr"} == {0.001}


@pytest.mark.slow
def test_labels_of_a_loss_function_are_seen(seen, today):
    process = seen(
        today,
        """
net = nn.Linear(4, 3); opt = torch.optim.SGD(net.parameters(), 0.1)
nn.functional.cross_entropy(net(torch.randn(8, 4)), torch.randint(0, 3, (8,))).backward(); opt.step()
""",
    )
    assert process.names("batch") == ["0", "labels"]


def test_a_backward_that_fails_since_the_graph_was_freed_is_the_programs_affair(seen, torch_python):
    process = seen(
        torch_python,
        """
net = nn.Linear(4, 3); opt = torch.optim.SGD(net.parameters(), 0.1)
loss = nn.functional.cross_entropy(net(torch.randn(8, 4)), torch.randint(0, 3, (8,))); loss.backward(); opt.step()
try:
    loss.backward()
except RuntimeError as error:
    assert "second time" in str(error), error
else:
    raise SystemExit("it did not fail")
""",
    )
    assert (process.steps, process.failures) == (1, [])


EVALUATES = """
net = nn.Linear(4, 1); opt = torch.optim.SGD(net.parameters(), 0.1)
def train():
    opt.zero_grad(); net(torch.randn(8, 4)).sum().backward(); opt.step()
train()
with torch.no_grad(): net(torch.randn(2, 4))
net(torch.randn(3, 4))   # gradients are on, no backward follows
train()
for _ in range(30): net(torch.randn(2, 4)).sum().item()
train()
with torch.no_grad(): net(torch.randn(2, 4))
"""


def test_forwards_without_a_backward_are_evaluations_and_never_batch(seen, torch_python):
    process = seen(torch_python, EVALUATES)
    assert [process.names("batch", step) for step in range(3)] == [["0"], ["0"], ["0"]]
    assert process.names("forward", 0) == ["output", "loss"]
    assert sorted(process.names("forward", 1)) == [
        *["evaluation/0", "evaluation/0", "evaluation/output", "evaluation/output", "loss", "output"]
    ]
    assert process.names("forward", 2).count("evaluation/0") == 30
    assert process.names("end") == ["evaluation/0", "evaluation/output", "weight", "bias"]


FUNCTIONS = """
a, b = nn.Linear(4, 3), nn.Linear(3, 1); opt = torch.optim.SGD(list(a.parameters()) + list(b.parameters()), 0.1)
for _ in range(2):
    opt.zero_grad(); b(torch.relu(a(torch.randn(8, 4)))).sum().backward(); opt.step()
"""


@pytest.mark.slow
def test_models_used_as_plain_functions_feed_one_batch(seen, torch_python):
    process = seen(torch_python, FUNCTIONS)
    for step in range(2):
        assert process.names("batch", step) == ["0"]
        assert process.names("forward", step) == ["output", "Linear.output", "loss"]
        assert process.names("gradient", step) == ["weight", "bias", "Linear.weight", "Linear.bias"]


GAN = """
g = nn.Linear(2, 4); d = nn.Linear(4, 1); og = torch.optim.Adam(g.parameters()); od = torch.optim.Adam(d.parameters())
for _ in range(2):
    od.zero_grad(); (d(torch.randn(8, 4)).mean() - d(g(torch.randn(8, 2)).detach()).mean()).backward(); od.step()
    og.zero_grad(); (-d(g(torch.randn(8, 2))).mean()).backward(); og.step()
"""


@pytest.mark.slow
def test_several_optimizers_share_the_count_of_steps(seen, torch_python):
    process = seen(torch_python, GAN)
    assert process.steps == 4
    assert [process.names("gradient", step)[0] for step in range(4)] == ["weight", "Linear.weight"] * 2
    # the detached fake has the bits of an output and is no batch, but the noise that it was made of is
    assert [sorted(process.names("batch", step)) for step in range(2)] == [["0", "Linear.0"], ["Linear.0"]]
    assert "Adam#2/param_groups.0/lr" in process.names("update", 1)


FAKE_AFTER_MANY = """
g = nn.Linear(2, 4); d = nn.Linear(4, 1); opt = torch.optim.SGD(d.parameters(), 0.1)
with torch.no_grad():
    for number in range(4200): g(torch.full((1, 2), float(number)))
    fake = g(torch.randn(8, 2))
d(fake).mean().backward(); opt.step()
"""


def test_the_output_of_an_evaluation_is_no_batch_even_after_thousands_of_others(seen, torch_python):
    process = seen(torch_python, FAKE_AFTER_MANY)
    assert process.names("batch", 0) == ["0"]
    assert process.names("forward", 0).count("Linear.output") == 1


ACCUMULATES = """
net = nn.Linear(4, 1); opt = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(2):
    opt.zero_grad()
    for _ in range(3): (net(torch.randn(8, 4)).sum() / 3).backward()
    nn.utils.clip_grad_norm_(net.parameters(), 0.5); opt.step()
print(net.weight.grad.norm().item() < 0.51)
"""


@pytest.mark.slow
def test_micro_batches_belong_to_the_step_that_they_lead_to(seen, torch_python):
    process = seen(torch_python, ACCUMULATES)
    assert process.steps == 2
    for step in range(2):
        assert process.names("batch", step) == ["0"] * 3
        assert process.names("forward", step) == ["output", "loss"] * 3
        assert process.names("gradient", step) == ["weight", "bias"]


LBFGS = """
net = nn.Linear(4, 1); opt = torch.optim.LBFGS(net.parameters(), max_iter=3); x = torch.randn(16, 4)
calls = []
def closure():
    opt.zero_grad(); loss = net(x).pow(2).mean(); loss.backward(); nn.utils.clip_grad_norm_(net.parameters(), 1e-3)
    calls.append(1); return loss
for _ in range(2): opt.step(closure)
opt.step(closure=closure)
torch.save(len(calls), "calls.pt")
"""


@pytest.mark.slow
def test_gradients_within_closures_are_seen_as_the_optimizer_gets_them(seen, torch_python):
    process = seen(torch_python, LBFGS)
    assert process.steps == 3
    for step in range(3):
        losses = process.names("forward", step).count("loss")
        assert losses >= 1
        assert process.names("gradient", step) == ["weight", "bias"] * losses
    assert {"weight/n_iter", "weight/d"} <= set(process.names("update", 1))


HAND = """
w = torch.randn(4, requires_grad=True)
for _ in range(3):
    for _ in range(2): (w * torch.randn(4)).pow(2).sum().backward()
    with torch.no_grad(): w -= 0.1 * w.grad
    w.grad = None
"""


def test_a_backward_counts_as_a_step_where_it_changes_weights_and_no_optimizer_is_there(seen, torch_python):
    process = seen(torch_python, HAND)
    assert process.steps == 3
    assert [event["how"] for event in process.events if event["event"] == "observed-by"] == ["backward"]
    assert process.names("start") == ["param.0"]
    for step in range(3):
        assert process.names("forward", step) == ["loss", "loss"]
        assert process.names("gradient", step) == ["param.0"]
        assert process.names("update", step) == ["param.0"]
    assert process.names("end") == ["param.0"]
    assert "batch" in process.not_observed


GRAD = """
net = nn.Linear(4, 1)
for _ in range(3):
    loss = net(torch.randn(8, 4)).pow(2).mean()
    gradients = torch.autograd.grad(loss, list(net.parameters()))
    with torch.no_grad():
        for p, g in zip(net.parameters(), gradients): p -= 0.1 * g
"""


@pytest.mark.slow
def test_autograd_grad_is_seen_like_a_backward(seen, torch_python):
    process = seen(torch_python, GRAD)
    assert process.steps == 3
    for step in range(3):
        assert process.names("forward", step) == ["output", "loss"]
        assert process.names("gradient", step) == ["weight", "bias"]


@pytest.mark.slow
def test_autograd_backward_is_seen_like_a_backward(seen, torch_python):
    text = """
net = nn.Linear(4, 1); opt = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(2):
    opt.zero_grad(); y = net(torch.randn(8, 4)); torch.autograd.backward([y.mean(), y], [None, torch.ones(8, 1)]); opt.step()
"""
    process = seen(torch_python, text)
    assert [process.names("forward", step) for step in range(2)] == [["output", "loss", "root"]] * 2


@pytest.mark.slow
def test_transforms_of_data_are_not_recorded(seen, torch_python):
    text = """
net = nn.Linear(4, 1); opt = torch.optim.SGD(net.parameters(), 0.1); flatten = nn.Sequential(nn.Identity(), nn.ReLU())
for _ in range(2):
    x = torch.stack([flatten(torch.randn(4)) for _ in range(40)])
    opt.zero_grad(); net(x).sum().backward(); opt.step()
"""
    process = seen(torch_python, text)
    assert [process.names("batch", step) + process.names("forward", step) for step in range(2)] == [
        *[["0", "output", "loss"]] * 2
    ]


def test_a_transformed_gradient_without_an_optimizer_is_said(seen, today):
    process = seen(
        today,
        """
net = nn.Linear(4, 1); params = {k: v.detach() for k, v in net.named_parameters()}
def loss(params, x): return torch.func.functional_call(net, params, (x,)).pow(2).mean()
for _ in range(3):
    gradients = torch.func.grad(loss)(params, torch.randn(8, 4))
    params = {k: v - 0.1 * gradients[k] for k, v in params.items()}
torch.func.vmap(lambda x: net(x))(torch.randn(3, 4))
""",
    )
    assert process.steps == 0
    assert "steps" in process.not_observed
    assert process.names("forward", 0).count("loss") == 3
    assert process.names("batch", 0).count("0") >= 3


@pytest.mark.slow
def test_scaled_losses_and_skipped_steps_are_said_and_not_counted(seen, today):
    process = seen(
        today,
        """
net = nn.Linear(4, 1); opt = torch.optim.SGD(net.parameters(), 0.1); scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
for i in range(4):
    opt.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16): loss = net(torch.randn(8, 4)).float().pow(2).mean()
    if i == 1: loss = loss * float("inf")
    scaler.scale(loss).backward(); scaler.unscale_(opt); nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    scaler.step(opt); scaler.update()
""",
    )
    assert process.steps == 3
    assert process.not_observed == ["unscaled loss"]


@pytest.mark.slow
def test_an_optimizer_within_an_optimizer_is_one_step(seen, torch_python):
    process = seen(
        torch_python,
        """
class Outer(torch.optim.Optimizer):
    def __init__(self, params):
        params = list(params); super().__init__(params, {"lr": 0.5}); self.inner = torch.optim.SGD(params, 0.1)
    def step(self, closure=None):
        self.inner.step(closure)
net = nn.Linear(4, 1); opt = Outer(net.parameters())
for _ in range(3):
    opt.zero_grad(); net(torch.randn(8, 4)).sum().backward(); opt.step()
""",
    )
    assert process.steps == 3


@pytest.mark.slow
def test_names_of_later_models_never_clash(seen, torch_python):
    process = seen(
        torch_python,
        """
class Net(nn.Module):
    def __init__(self):
        super().__init__(); self.body = nn.Linear(4, 1)
    def forward(self, x): return self.body(x)
def fold():
    net = Net(); opt = torch.optim.SGD(net.parameters(), 0.1)
    opt.zero_grad(); net(torch.randn(8, 4)).sum().backward(); opt.step()
for _ in range(3): fold()
""",
    )
    names = ["body.weight", "body.bias", "Net.body.weight", "Net.body.bias", "Net#2.body.weight", "Net#2.body.bias"]
    assert process.names("start") == names
    assert process.names("end", 3) == names


@pytest.mark.slow
def test_the_tensor_that_is_asked_for_is_captured(seen, torch_python):
    for kind, name in (("gradient", "0.weight"), ("update", "0.weight"), ("batch", "0"), ("forward", "loss")):
        want = {"first": 1, "last": 1, "kinds": [kind], "name": name}
        process = seen(torch_python, STEP, tensors=want)
        sizes = {"0.weight": 48, "0": 128, "loss": 4}
        assert len((process.folder / "tensors.bin").read_bytes()) == sizes[name]


@pytest.mark.slow
def test_a_trial_stops_after_exactly_the_steps_asked_for(watched_run, torch_python):
    text = "import torch, torch.nn as nn\ntorch.manual_seed(0)\n" + STEP.replace("range(2)", "range(50)")
    process = watched_run(torch_python, text, stop_after=7).only
    assert process.stopped["steps"] == 7
    assert max(row[0] for row in process.rows) == 6
