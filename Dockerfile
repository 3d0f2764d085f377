# vbench for those who cannot compile hnswlib:
#   docker build -t vbench . && docker run --rm -v "$PWD:/work" vbench run --index hnsw
FROM python:3.12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++
COPY . /src
RUN pip wheel --no-cache-dir --wheel-dir /wheels /src

FROM python:3.12-slim
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-index --find-links /wheels vbench-ann
ENV VBENCH_HOME=/work/.vbench
WORKDIR /work
ENTRYPOINT ["vbench"]
CMD ["--help"]
