# One image for every process; docker-compose.yml and Kubernetes start it with another command.
FROM python:3.11-slim AS packages
WORKDIR /srv/roundhouse
COPY requirements.txt requirements-dev.txt ./
COPY bin/install.py bin/install.py
RUN python bin/install.py runtime

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /srv/roundhouse hub \
    && install --directory --owner=hub --mode=0700 /var/lib/roundhouse
WORKDIR /srv/roundhouse
COPY --from=packages /srv/roundhouse/.venv .venv
COPY alembic.ini wsgi.py ./
COPY migrations migrations
COPY docs docs
COPY app app
RUN .venv/bin/python -m compileall -q app migrations wsgi.py
ENV PATH=/srv/roundhouse/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HUB_HOME=/var/lib/roundhouse \
    HUB_HOST=0.0.0.0 \
    HUB_PORT=8000
USER hub
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['HUB_PORT']}/healthz\", timeout=4)"]
CMD ["python", "-m", "app.commands.processes", "web"]
