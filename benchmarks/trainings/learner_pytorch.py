"""A tiny reinforcement learner (REINFORCE on a pole that is balanced): its episodes are timed, each with its update."""

import argparse
import math

import peers
import torch
import turns
from torch import nn

LENGTH = 32  # moves of an episode


class Pole:
    """A pole on a cart, as CartPole has it (Barto, Sutton and Anderson, 1983), which starts again when it falls."""

    def __init__(self):
        self.state = [0.0, 0.0, 0.05, 0.0]

    def move(self, action):
        """Push the cart to one side; gives the reward."""
        x, speed, angle, turn = self.state
        force = 10.0 if action else -10.0
        push = (force + 0.05 * turn * turn * math.sin(angle)) / 1.1
        bend = (9.8 * math.sin(angle) - math.cos(angle) * push) / (0.5 * (4 / 3 - 0.1 * math.cos(angle) ** 2 / 1.1))
        shift = push - 0.05 * bend * math.cos(angle) / 1.1
        self.state = [x + 0.02 * speed, speed + 0.02 * shift, angle + 0.02 * turn, turn + 0.02 * bend]
        if abs(self.state[0]) < 2.4 and abs(self.state[2]) < 0.2:
            return 1.0
        self.state = [0.0, 0.0, 0.05, 0.0]
        return 0.0


def episode(policy, pole):
    """The loss of an episode: log-probabilities of the moves, times what was earned after them."""
    chances, rewards = [], []
    for _ in range(LENGTH):
        choice = torch.distributions.Categorical(logits=policy(torch.tensor(pole.state)))
        action = choice.sample()
        chances.append(choice.log_prob(action))
        rewards.append(pole.move(int(action)))
    earned = torch.tensor(rewards).flip(0).cumsum(0).flip(0)
    return -(torch.stack(chances) * (earned - earned.mean())).sum()


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--batch", type=int, help="not used")
    parse.add_argument("--peer", default="none", choices=sorted(peers.PEERS))
    args = parse.parse_args()
    torch.manual_seed(2019)
    policy, pole = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 2)), Pole()
    optimizer = torch.optim.Adam(policy.parameters(), 1e-2)
    around = peers.PEERS[args.peer](policy)

    def train():
        with around():
            optimizer.zero_grad()
            episode(policy, pole).backward()
            optimizer.step()

    turns.take(lambda: turns.timed(train))


if __name__ == "__main__":
    main()
