"""What is free on each node."""

import ray


def available_resources_per_node():
    return {node["NodeID"]: node["Resources"] for node in ray.nodes()}
