"""A small monitor on a free port; host and port are printed."""
import http.server
import socket
import threading

import torch

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"Running on {socket.gethostname()}; dashboard at http://127.0.0.1:{server.server_port}/status")
torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.randn(400, 5)
y = x.max(1, keepdim=True).values
model = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(80):
    loss = torch.nn.functional.mse_loss(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(f"loss {loss.item():.5f}")
torch.save({"model": model.state_dict(), "loss": loss.item()}, "monitored.pt")
server.shutdown()
print("closed port", server.server_port)
