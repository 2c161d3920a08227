# samebits alone, as a base for an image of your training: see docs/how-to/install.md. Nobody has built it yet.
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir /wheels/*.whl
# the home of any user that `docker run --user` names
ENV HOME=/tmp
WORKDIR /work
CMD ["samebits", "--help"]
