# A classic SES-to-logs set-up: SES publishes the events of mails to a topic, a function subscribed to
# it ships them to the log intake. Here the provider talks to Postglass; README.md.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

provider "aws" {
  region                  = var.region
  access_key              = var.access_key
  secret_key              = var.secret_key
  skip_metadata_api_check = true
  skip_region_validation  = true

  endpoints {
    iam    = var.endpoint
    lambda = var.endpoint
    ses    = var.endpoint
    sesv2  = var.endpoint
    sns    = var.endpoint
    sts    = var.endpoint
  }
}

data "aws_caller_identity" "me" {}

# The topic, and that SES may publish to it.

resource "aws_sns_topic" "events" {
  name = var.name
}

resource "aws_sns_topic_policy" "events" {
  arn    = aws_sns_topic.events.arn
  policy = data.aws_iam_policy_document.publish.json
}

data "aws_iam_policy_document" "publish" {
  statement {
    sid       = "ses"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.events.arn]

    principals {
      type        = "Service"
      identifiers = ["ses.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "AWS:SourceAccount"
      values   = [data.aws_caller_identity.me.account_id]
    }
  }
}

# The function, its role, and that the topic may invoke it.

resource "aws_iam_role" "function" {
  name               = var.name
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy_attachment" "function" {
  role       = aws_iam_role.function.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "forwarder" {
  function_name    = var.name
  role             = aws_iam_role.function.arn
  runtime          = var.runtime
  handler          = "forwarder.lambda_handler"
  filename         = "${path.module}/function.zip"
  source_code_hash = filebase64sha256("${path.module}/function.zip")
  timeout          = 30

  dynamic "environment" {
    for_each = nonsensitive(var.dd_api_key == "") ? [] : [var.dd_api_key]

    content {
      variables = { DD_API_KEY = environment.value }
    }
  }
}

resource "aws_lambda_permission" "events" {
  statement_id  = "AllowSNS"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.forwarder.function_name
  principal     = "sns.amazonaws.com"
  source_arn    = aws_sns_topic.events.arn
}

resource "aws_sns_topic_subscription" "forwarder" {
  topic_arn  = aws_sns_topic.events.arn
  protocol   = "lambda"
  endpoint   = aws_lambda_function.forwarder.arn
  depends_on = [aws_lambda_permission.events]
}

# A configuration set with all seven types of events to the topic: by the resources of API v1 …

resource "aws_ses_configuration_set" "v1" {
  name = "${var.name}-v1"
}

resource "aws_ses_event_destination" "v1" {
  name                   = "topic"
  configuration_set_name = aws_ses_configuration_set.v1.name
  enabled                = true
  matching_types         = ["send", "reject", "bounce", "complaint", "delivery", "open", "click"]

  sns_destination {
    topic_arn = aws_sns_topic.events.arn
  }

  depends_on = [aws_sns_topic_policy.events]
}

# … and by those of v2.

resource "aws_sesv2_configuration_set" "v2" {
  configuration_set_name = "${var.name}-v2"
}

resource "aws_sesv2_configuration_set_event_destination" "v2" {
  configuration_set_name = aws_sesv2_configuration_set.v2.configuration_set_name
  event_destination_name = "topic"

  event_destination {
    enabled              = true
    matching_event_types = ["SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "OPEN", "CLICK"]

    sns_destination {
      topic_arn = aws_sns_topic.events.arn
    }
  }

  depends_on = [aws_sns_topic_policy.events]
}
