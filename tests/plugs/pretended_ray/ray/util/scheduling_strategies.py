"""How a task is pinned to a node."""


class NodeAffinitySchedulingStrategy:
    def __init__(self, node_id, soft):
        self.node_id = node_id
