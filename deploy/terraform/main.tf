# Amazon SES says what became of each mail: configuration set -> event destination -> topic.

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

data "aws_partition" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  set_arn    = "arn:${data.aws_partition.current.partition}:ses:${data.aws_region.current.name}:${local.account_id}:configuration-set/${var.name}"
}

resource "aws_sesv2_configuration_set" "mail" {
  configuration_set_name = var.name
  delivery_options {
    tls_policy = var.tls_policy
  }
  reputation_options {
    reputation_metrics_enabled = true
  }
  sending_options {
    sending_enabled = true
  }
  tags = var.tags
}

resource "aws_sns_topic" "events" {
  name              = "${var.name}-events"
  signature_version = 2 # SHA-256
  tags              = var.tags
}

# SES alone may publish, of this account alone, for this set alone.
resource "aws_sns_topic_policy" "events" {
  arn = aws_sns_topic.events.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "SesPublishesEventsOfTheSet"
      Effect    = "Allow"
      Principal = { Service = "ses.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.events.arn
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = local.account_id
          "aws:SourceArn"     = local.set_arn
        }
      }
    }]
  })
}

resource "aws_sesv2_configuration_set_event_destination" "events" {
  configuration_set_name = aws_sesv2_configuration_set.mail.configuration_set_name
  event_destination_name = "${var.name}-events"
  event_destination {
    enabled              = true
    matching_event_types = var.event_types
    sns_destination {
      topic_arn = aws_sns_topic.events.arn
    }
  }
  # SES tests the topic when the destination is made; without the policy it may not publish.
  depends_on = [aws_sns_topic_policy.events]
}
