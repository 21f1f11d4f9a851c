"""Accountants of a host's own mechanisms, beside dp_accounting."""

import math

import pytest

import flip

pytest.importorskip("dp_accounting")


def theirs(*events, step=1e-4):
    from dp_accounting.pld import PLDAccountant
    a = PLDAccountant(value_discretization_interval=step)
    for event, count in events:
        a.compose(event, count)
    return a


def test_distributions_agree_with_dp_accounting():
    import dp_accounting as dp
    for q, sigma, count, delta in [(0.03, 2.0, 400, 1e-5), (0.01, 1.0, 1000, 1e-6), (0.2, 4.0, 100, 1e-7),
                                   (1.0, 3.0, 4, 1e-5)]:
        event = dp.PoissonSampledDpEvent(q, dp.GaussianDpEvent(sigma))
        expected = theirs((event, count)).get_epsilon(delta)
        ours = flip.Accountant("pld").compose(sigma, q, count)
        assert ours.epsilon(delta) == pytest.approx(expected, rel=0.01)
        assert ours.epsilon(delta) <= 0.97 * flip.Accountant("renyi").compose(sigma, q, count).epsilon(delta)


def test_a_mixed_list_agrees_with_dp_accounting():
    import dp_accounting as dp
    sampled = dp.PoissonSampledDpEvent(0.05, dp.GaussianDpEvent(3.0))
    expected = theirs((sampled, 200), (dp.LaplaceDpEvent(8.0), 3), (dp.GaussianDpEvent(12.0), 1))
    ours = flip.Accountant("pld").compose(3.0, 0.05, 200).laplace(8.0, 3).compose(12.0)
    assert ours.epsilon(1e-6) == pytest.approx(expected.get_epsilon(1e-6), rel=0.01)
    assert ours.delta(1.0) == pytest.approx(expected.get_delta(1.0), rel=0.05)


def test_what_has_a_closed_form():
    # An epsilon-private mechanism has delta (e^e - e^x) / (1 + e^e) at x, and that is all there is to it.
    for e in (0.1, 1.0, 3.0):
        a = flip.Accountant("pld").pure(e)
        assert e * (1 -
                    1e-9) <= a.epsilon(1e-12) <= e + 0.02  # an upper bound; the grid's noise counts at so small a delta
        assert a.delta(e / 2) == pytest.approx((math.exp(e) - math.exp(e / 2)) / (1 + math.exp(e)), rel=1e-2)
    assert flip.Accountant("pld").laplace(2.0).delta(0.1) == pytest.approx(1 - math.exp((0.1 - 0.5) / 2), rel=1e-2)
    # What is zero-concentrated costs no more than its own conversion, and no less than the Gaussian of the same rho.
    zcdp, gaussian = flip.Accountant("pld").zcdp(0.02), flip.Accountant("pld").compose(5.0)
    assert gaussian.epsilon(1e-6) < zcdp.epsilon(1e-6) <= flip.Accountant("renyi").zcdp(0.02).epsilon(1e-6) * 1.0001


@pytest.mark.parametrize("kind", ["renyi", "pld"])
def test_several_rows(kind):
    one, two = (flip.Accountant(kind, rows=k).compose(2.0, 0.02, 300).laplace(20.0) for k in (1, 2))
    assert one.epsilon(1e-6) < two.epsilon(1e-6) < 4 * one.epsilon(1e-6)
    for rows in (0, 1025, -1):
        with pytest.raises(flip.ArgumentError):
            flip.Accountant(kind, rows=rows)


@pytest.mark.parametrize("kind", ["renyi", "pld"])
def test_bad_parameters_add_nothing(kind):
    a = flip.Accountant(kind)
    for wrong in (lambda: a.compose(-1.0), lambda: a.compose(1.0, 1.5), lambda: a.laplace(math.nan),
                  lambda: a.discrete_gaussian(1.0, 0), lambda: a.pure(-1.0), lambda: a.zcdp(math.inf),
                  lambda: a.selection(1.0), lambda: a.compose(1.0, count=-1)):
        with pytest.raises(flip.ArgumentError):
            wrong()
    assert a.epsilon(1e-5) == 0
    assert a.selection(1e-6).epsilon(1e-6) == math.inf


def test_the_standard_deviation_has_an_old_name():
    new = flip.Accountant().discrete_gaussian(standard_deviation=20, sensitivity=2).epsilon(1e-5)
    with pytest.warns(DeprecationWarning, match="standard_deviation"):
        old = flip.Accountant().discrete_gaussian(deviation=20, sensitivity=2).epsilon(1e-5)
    assert new == old == flip.Accountant().discrete_gaussian(20, 2).epsilon(1e-5)
    for wrong in ({}, {"standard_deviation": 20, "deviation": 20}):
        with pytest.raises(TypeError):
            flip.Accountant().discrete_gaussian(**wrong)
