# The image of every service in docker-compose.yaml: the locked environment and the checkout.
FROM python:3.12-slim

RUN useradd --create-home --uid 50000 airflow \
    && mkdir -p /opt/airflow/logs /opt/airflow/config /opt/audienceflow /data/drops /data/results \
    && chown -R airflow /opt/airflow /data
ENV AIRFLOW_HOME=/opt/airflow \
    PYTHONPATH=/opt/audienceflow:/opt/audienceflow/plugins \
    PYTHONUNBUFFERED=1

WORKDIR /opt/audienceflow
COPY requirements.txt .
RUN pip install --no-cache-dir --requirement requirements.txt
COPY include/runtime/airflow_local_settings.py /opt/airflow/config/
COPY . .

USER airflow
CMD ["python", "-m", "airflow", "version"]
