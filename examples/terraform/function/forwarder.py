"""Ships the records of an SNS topic to a Datadog-compatible log intake.

The classic shape of such a function: standard library alone, where to send to from the environment.
On Postglass DD_URL, DD_PORT, DD_NO_SSL and DD_API_KEY are set by the host when they are not given.
"""

import gzip
import json
import os
import urllib.request

SITE = os.environ.get("DD_SITE", "datadoghq.com")
HOST = os.environ.get("DD_URL", "http-intake.logs." + SITE)
PORT = os.environ.get("DD_PORT", "443")
SCHEME = "http" if os.environ.get("DD_NO_SSL", "").lower() == "true" else "https"
URL = "{}://{}:{}/api/v2/logs".format(SCHEME, HOST, PORT)
TIMEOUT_SECONDS = 10


def lambda_handler(event, context):
    logs = [log_of(record, context) for record in event["Records"]]
    request = urllib.request.Request(
        URL,
        data=gzip.compress(json.dumps(logs).encode()),
        headers={
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "DD-API-KEY": os.environ["DD_API_KEY"],
        },
    )
    # An answer that is no 2xx raises: the invocation fails, and the events come again.
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        print("forwarded {} records: {}".format(len(logs), response.status))
    return {"statusCode": 200}


def log_of(record, context):
    log = dict(record)
    log["ddsource"] = "sns"
    log["ddsourcecategory"] = "aws"
    log["ddtags"] = "forwardername:" + context.function_name.lower()
    log["aws"] = {"invoked_function_arn": context.invoked_function_arn}
    return log
