"""Runs a Python function for Postglass: the program's side of the Lambda Runtime API.

Started as `python3 -c` with the variables a Lambda sandbox has. Handlers, contexts and errors are as
AWS's own runtime has them (AWS Lambda developer guide, "Building Lambda functions with Python").
"""

import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback

API, _, TOKEN = os.environ["AWS_LAMBDA_RUNTIME_API"].partition("/")
BASE = "/" + TOKEN + "/2018-06-01/runtime/"
ASKED_FOR = os.environ.get("AWS_EXECUTION_ENV", "").replace("AWS_Lambda_", "")

# Modules that functions like to import and Debian has under another name.
DEBIAN_PACKAGES = {
    "Crypto": "python3-pycryptodome", "OpenSSL": "python3-openssl", "PIL": "python3-pil",
    "attr": "python3-attr", "bs4": "python3-bs4", "dateutil": "python3-dateutil",
    "dns": "python3-dnspython", "google": "python3-protobuf", "jose": "python3-jose",
    "jwt": "python3-jwt", "MySQLdb": "python3-mysqldb", "psycopg2": "python3-psycopg2",
    "pkg_resources": "python3-pkg-resources", "serial": "python3-serial",
    "sklearn": "python3-sklearn", "tz": "python3-tz", "pytz": "python3-tz",
    "yaml": "python3-yaml", "zmq": "python3-zmq",
}
SAME_NAME = {
    "aiohttp", "boto3", "botocore", "certifi", "cffi", "chardet", "charset_normalizer", "click",
    "cryptography", "flask", "httplib2", "httpx", "idna", "jinja2", "jmespath", "jsonschema",
    "lxml", "markdown", "msgpack", "numpy", "pandas", "paramiko", "prometheus_client", "psutil",
    "pydantic", "pymysql", "redis", "requests", "s3transfer", "scipy", "setuptools", "simplejson",
    "six", "sqlalchemy", "tabulate", "toml", "urllib3", "websockets", "wrapt", "xmltodict",
}
PYTHON_2_ONLY = {
    "urllib2": "urllib.request", "urlparse": "urllib.parse", "httplib": "http.client",
    "StringIO": "io", "ConfigParser": "configparser", "Queue": "queue", "cPickle": "pickle",
    "cStringIO": "io", "HTMLParser": "html.parser", "__builtin__": "builtins",
}


def where_to_get(module):
    top = module.partition(".")[0]
    if top in PYTHON_2_ONLY:
        return "Python 2 had it; in Python 3 it is %s" % PYTHON_2_ONLY[top]
    package = DEBIAN_PACKAGES.get(top)
    if package is None and (top in SAME_NAME or top.lower() in SAME_NAME):
        package = "python3-" + top.lower().replace("_", "-")
    if package:
        return "install it with `apt-get install %s` or put it into the function's archive" % package
    return "put it into the function's archive"


class Client:
    """One connection, kept; a stale one is opened again once."""

    def __init__(self):
        self.connection = http.client.HTTPConnection(API)

    def call(self, method, path, body=None, headers=None):
        for attempt in (0, 1):
            try:
                self.connection.request(method, BASE + path, body, headers or {})
                response = self.connection.getresponse()
                return response.status, response.headers, response.read()
            except (ConnectionError, http.client.HTTPException):
                self.connection.close()
                if attempt:
                    raise


class Context:
    def __init__(self, headers):
        env = os.environ
        self.function_name = env.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = env.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = env.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = env.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.invoked_function_arn = headers.get("Lambda-Runtime-Invoked-Function-Arn")
        self.aws_request_id = headers.get("Lambda-Runtime-Aws-Request-Id")
        self.client_context = None
        self.identity = None
        self._deadline_ms = int(headers.get("Lambda-Runtime-Deadline-Ms", "0"))

    def get_remaining_time_in_millis(self):
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))


class RequestIdFilter(logging.Filter):
    request_id = ""

    def filter(self, record):
        record.aws_request_id = self.request_id
        return True


def one_line(text):
    # A carriage return keeps what belongs together in one log event, as with AWS's own runtime.
    return text.rstrip("\n").replace("\n", "\r")


class Formatter(logging.Formatter):
    converter = time.gmtime

    def format(self, record):
        return one_line(super().format(record))


def set_up_logging():
    request_ids = RequestIdFilter()
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(request_ids)
    handler.setFormatter(Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s",
        "%Y-%m-%dT%H:%M:%S"))
    logging.getLogger().addHandler(handler)
    return request_ids


def load_handler():
    name = os.environ.get("_HANDLER", "")
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        return failing("Runtime.MalformedHandlerName",
                       "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % name)
    running = "%d.%d" % sys.version_info[:2]
    if ASKED_FOR != "python" + running:
        print("the function asks for %s; this machine runs it on Python %s" % (ASKED_FOR, running))
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        hint = where_to_get(error.name) if getattr(error, "name", None) else ""
        return failing("Runtime.ImportModuleError", "Unable to import module '%s': %s%s"
                       % (module_name, error, " (%s)" % hint if hint else ""))
    except SyntaxError as error:
        return failing(
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module '%s': %s (%s asked for, Python %s runs it)"
            % (module_name, error, ASKED_FOR, running))
    except Exception as error:
        return failing(type(error).__name__, str(error), traceback.format_exc())
    handler = getattr(module, function_name, None)
    if not callable(handler):
        return failing("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'"
                       % (function_name, module_name))
    return handler


class InitError(Exception):
    def __init__(self, kind, message, trace):
        super().__init__(message)
        self.kind = kind
        self.trace = trace


def failing(kind, message, trace=""):
    def handler(event, context):
        raise InitError(kind, message, trace)
    return handler


def describe(error):
    if isinstance(error, InitError):
        kind, frames = error.kind, error.trace.splitlines(True)
    else:
        kind = type(error).__name__
        # Without this program's own frame.
        frames = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
    return {"errorMessage": str(error), "errorType": kind, "stackTrace": frames}


def serve():
    client = Client()
    request_ids = set_up_logging()
    sys.path.insert(0, os.environ.get("LAMBDA_TASK_ROOT", os.getcwd()))
    handler = load_handler()
    while True:
        status, headers, body = client.call("GET", "invocation/next")
        if status != 200:
            return 1
        context = Context(headers)
        request_ids.request_id = context.aws_request_id
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("Lambda-Runtime-Trace-Id", "")
        path = "invocation/%s/" % context.aws_request_id
        failed = None
        try:
            result = handler(json.loads(body), context)
            try:
                answer = json.dumps(result).encode()
            except (TypeError, ValueError) as error:
                raise InitError("Runtime.MarshalError",
                                "Unable to marshal response: %s" % error, "")
        except SystemExit as error:
            failed = {"errorMessage": "exit code %s" % error.code, "errorType": "Runtime.ExitError",
                      "stackTrace": []}
        except BaseException as error:
            failed = describe(error)
            failed["requestId"] = context.aws_request_id
        if failed:
            text = "[ERROR] %s: %s" % (failed["errorType"], failed["errorMessage"])
            if failed["stackTrace"]:
                text += "\nTraceback (most recent call last):\n" + "".join(failed["stackTrace"])
            print(one_line(text))
        sys.stdout.flush()
        sys.stderr.flush()
        if not failed:
            client.call("POST", path + "response", answer, {"Content-Type": "application/json"})
            continue
        client.call("POST", path + "error", json.dumps(failed).encode(), {
            "Content-Type": "application/json",
            "Lambda-Runtime-Function-Error-Type": "Unhandled"})
        # Code that could not be loaded is tried again by a new process: its surroundings may have
        # been mended.
        if failed["errorType"].startswith("Runtime."):
            return 1


if __name__ == "__main__":
    sys.exit(serve())
