"""Benchmarks/recompute_epsilon.py on events made by hand: sampled Gaussians, full ones, and choices that are ρ-zCDP."""
import importlib.util, math, pathlib

import h5py
import pytest

pytest.importorskip("dp_accounting")
spec = importlib.util.spec_from_file_location("recompute_epsilon", pathlib.Path(__file__).parents[2] / "Benchmarks" / "recompute_epsilon.py")
recompute = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recompute)


def write(path, spent, columns, target=4.0, order=8, delta=1e-5):
    with h5py.File(path, "w") as f:
        f["plan"] = '{"epsilon": %r}' % target
        ledger = f.create_group("ledger")
        ledger.attrs.update(spent=spent, delta=delta, order=order)
        events = ledger.create_group("events")
        for name, values in columns.items():
            events[name] = values


def epsilon(rdp, order=8, delta=1e-5):
    return rdp + math.log((order - 1) / order) - (math.log(delta) + math.log(order)) / (order - 1)


def test_every_kind_of_entry(tmp_path, capsys):
    path = str(tmp_path / "model.h5")
    columns = {"name": ["histograms", "pairs"], "group": ["all", "all"], "sampling_rate": [1.0, 1.0], "noise_multiplier": [10.0, 5.0], "count": [1, 2]}
    right = epsilon(8 / 200 + 2 * 8 * .02)
    for extra in ({}, {"rho": [0.0, .02]}):
        write(path, right, {**columns, **extra})
        assert recompute.main([path]) == 0
    # With rho, the entry is priced by it alone.
    write(path, right, {**columns, "noise_multiplier": [10.0, 99.0], "rho": [0.0, .02]})
    assert recompute.main([path]) == 0
    write(path, right, {**columns, "rho": [0.0, .03]})
    assert recompute.main([path]) == 1
    write(path, right, {**columns, "rho": [0.0, .02]}, target=right / 2)
    assert recompute.main([path]) == 1
