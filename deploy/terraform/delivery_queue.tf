# delivery = "queue": events wait in a queue that Postglass polls. Nothing of it need be reachable from outside.

locals {
  queue = var.delivery == "queue" ? 1 : 0
}

resource "aws_sqs_queue" "events" {
  count = local.queue
  name  = "${var.name}-events"
  # Longer than one batch takes on its way into the store; what is not deleted by then comes again.
  visibility_timeout_seconds = 120
  message_retention_seconds  = 1209600
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters.arn, maxReceiveCount = 100 })
  tags                       = var.tags
}

resource "aws_sqs_queue_policy" "events" {
  count     = local.queue
  queue_url = aws_sqs_queue.events[0].url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "EventsOfTheTopic"
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.events[0].arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_sns_topic.events.arn } }
    }]
  })
}

resource "aws_sns_topic_subscription" "queue" {
  count     = local.queue
  topic_arn = aws_sns_topic.events.arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.events[0].arn
  # With its envelope: Postglass checks Amazon's signature.
  raw_message_delivery = var.raw_message_delivery
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters.arn })
  depends_on           = [aws_sqs_queue_policy.events, aws_sqs_queue_policy.dead_letters]
}

# What Postglass needs, to be attached to the user or role whose keys it has. No user is made here: its secret
# key would be in Terraform's state.
resource "aws_iam_policy" "poller" {
  count       = local.queue
  name        = "${var.name}-poller"
  description = "Fetch mail events from ${aws_sqs_queue.events[0].name}"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
      Resource = [aws_sqs_queue.events[0].arn]
    }]
  })
  tags = var.tags
}

resource "aws_cloudwatch_metric_alarm" "waiting" {
  count               = var.alarms ? local.queue : 0
  alarm_name          = "${var.name}-events-waiting"
  alarm_description   = "Nobody fetches the mail events of ${aws_sqs_queue.events[0].name}."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.events[0].name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = var.queue_age_alarm_seconds
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = var.tags
}
