"""Time of collectives over a hierarchy of links: scale-up domain, node, fabric."""

from typing import Any

import numpy as np

Values = Any  # float or array of floats: every function takes both and returns the like


def ranks_inside(*, group: Values, stride: Values, domain: Values) -> Values:
    """Return how many ranks of a group share one domain when ranks are laid out innermost first. [ranks]

    ``stride`` is the product of the faster-changing dimensions. A domain that the stride does not divide holds the
    floor.
    """
    return np.clip(np.floor(domain / stride), 1.0, group)


def ring_bytes_per_s(
    *,
    group: Values,
    stride: Values,
    domain: Values,
    domain_bytes_per_s: Values,
    node: Values,
    node_bytes_per_s: Values,
    fabric_bytes_per_s: Values,
) -> Values:
    """Return the rate at which a ring over a group moves data through one accelerator. [bytes s⁻¹]

    The slowest link of the ring bounds it: inside a domain the scale-up link; across domains of one node PCIe; across
    nodes the
    network adapters of all the group's ranks in the node work side by side. Source: ``model-collectives`` in
    docs/model.md.
    """
    in_domain = ranks_inside(group=group, stride=stride, domain=domain)
    in_node = ranks_inside(group=group, stride=stride, domain=node)
    across_nodes = np.where(in_node < group, fabric_bytes_per_s * in_node, np.inf)
    across_domains = np.where(in_domain < np.minimum(in_node, group), node_bytes_per_s, np.inf)
    return np.minimum(np.minimum(domain_bytes_per_s, across_domains), across_nodes)


def gather_seconds(*, total_bytes: Values, group: Values, bytes_per_s: Values, latency_s: Values = 0.0) -> Values:
    """Return the time of a ring all-gather or reduce-scatter of ``total_bytes`` over a group. [s]

    Each rank sends (group − 1)/group of the whole; the latency grows with the logarithm of the group (tree set-up).
    Source: Thakur 2005; ``model-collectives`` in docs/model.md. Valid for messages far above the latency-bandwidth
    product.
    """
    return (group - 1) / group * total_bytes / bytes_per_s + np.where(
        np.asarray(group) > 1, latency_s * np.log2(np.maximum(group, 2)), 0.0
    )


def all_to_all_seconds(
    *,
    token_bytes: Values,
    copies: Values,
    group: Values,
    inside: Values,
    inside_bytes_per_s: Values,
    outside_bytes_per_s: Values,
    latency_s: Values = 0.0,
) -> Values:
    """Return the time to send every token to ``copies`` experts spread evenly over a group. [s]

    A token crosses to each remote domain once, however many of its experts live there, and is copied on inside it. The
    expected
    distinct domains are N·(1 − (1 − 1/N)^copies). Scale-up links and adapters work side by side. Source:
    ``model-experts`` in
    docs/model.md.
    """
    domains = np.maximum(group / inside, 1.0)
    distinct = domains * (1 - (1 - 1 / domains) ** copies)
    far = token_bytes * distinct * (domains - 1) / domains / outside_bytes_per_s
    near = token_bytes * copies * (inside - 1) / inside / inside_bytes_per_s
    return np.where(np.asarray(group) > 1, np.maximum(near, far) + latency_s * np.log2(np.maximum(group, 2)), 0.0)
