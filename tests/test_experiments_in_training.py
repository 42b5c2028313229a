"""Experiments that train, in small: what they count, and which of many trainings they take."""

import pandas as pd

from pcsim.experiments import mupc_depth
from pcsim.theory.alignment import light_cone


def test_a_shallow_network_learns_and_all_its_layers_get_credit():
    table = mupc_depth.measured((3,))
    for network in mupc_depth.NETWORKS:
        found = mupc_depth.best(table, network, "pc").loc[3]
        assert found.reached == light_cone("jacobi", layers=4, steps=3) == 4
        assert found.aligned <= found.reached
        assert found.test > mupc_depth.LEARNT
        assert mupc_depth.best(table, network, "bp").test[3] > mupc_depth.LEARNT
    rates = table.groupby(["network", "rule"]).rate.apply(list).to_dict()
    assert rates["mupc", "pc"] == [0.1]  # as published
    assert rates["mupc", "bp"] == [0.005]
    assert rates["sp", "pc"] == rates["sp", "bp"] == list(mupc_depth.STANDARD_RATES)


def test_a_learning_rate_is_chosen_on_validation_images():
    rows = [("sp", "pc", 8, 1.0, 0.3, 0.9), ("sp", "pc", 8, 2.0, 0.4, 0.1)]
    columns = ["network", "rule", "hidden", "rate", "validation", "test"]
    assert mupc_depth.best(pd.DataFrame(rows, columns=columns), "sp", "pc").test[8] == 0.1
