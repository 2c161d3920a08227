"""REINFORCE on Gymnasium's CartPole: a tiny network, many small steps."""

import sys

import gymnasium
import torch
from torch import nn

seed = None if "--no-seed" in sys.argv else 7
if seed is not None:
    torch.manual_seed(seed)
world = gymnasium.make("CartPole-v1")
policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(policy.parameters(), 1e-2)
for episode in range(150):
    state, _ = world.reset(seed=seed if episode == 0 else None)
    chances, rewards, is_over = [], [], False
    while not is_over:
        choice = torch.distributions.Categorical(logits=policy(torch.as_tensor(state)))
        action = choice.sample()
        state, reward, has_fallen, time_is_up, _ = world.step(action.item())
        chances.append(choice.log_prob(action))
        rewards.append(reward)
        is_over = has_fallen or time_is_up
    returns = torch.tensor(rewards).flip(0).cumsum(0).flip(0)
    loss = -(torch.stack(chances) * (returns - returns.mean())).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if episode % 50 == 0:
        print(f"episode {episode} return {sum(rewards):.0f}")
