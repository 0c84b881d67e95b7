# delivery = "https": SNS posts each event to Postglass, which confirms the subscription by itself.

resource "aws_sns_topic_subscription" "https" {
  count                           = var.delivery == "https" ? 1 : 0
  topic_arn                       = aws_sns_topic.events.arn
  protocol                        = "https"
  endpoint                        = var.endpoint_url
  endpoint_auto_confirms          = true
  confirmation_timeout_in_minutes = 5
  # Raw delivery carries no signature; Postglass refuses it.
  raw_message_delivery = false
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters.arn })
  # SNS gives up after an hour at most: restarts and short outages are bridged, the rest is a dead letter.
  delivery_policy = jsonencode({
    healthyRetryPolicy = {
      minDelayTarget     = 1
      maxDelayTarget     = 120
      numRetries         = 40
      numNoDelayRetries  = 0
      numMinDelayRetries = 5
      numMaxDelayRetries = 20
      backoffFunction    = "exponential"
    }
  })
  depends_on = [aws_sqs_queue_policy.dead_letters]

  lifecycle {
    precondition {
      condition     = var.endpoint_url != ""
      error_message = "delivery = \"https\" needs endpoint_url."
    }
  }
}
