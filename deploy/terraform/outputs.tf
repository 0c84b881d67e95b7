output "configuration_set" {
  description = "Name it in every mail (ConfigurationSetName, X-SES-CONFIGURATION-SET), or make it the identity's default."
  value       = aws_sesv2_configuration_set.mail.configuration_set_name
}

output "topic_arn" {
  description = "For hooks.sns.topics or source.sqs.topics of Postglass."
  value       = aws_sns_topic.events.arn
}

output "queue_url" {
  description = "delivery = \"queue\": for source.sqs.queue_url of Postglass."
  value       = one(aws_sqs_queue.events[*].url)
}

output "poller_policy_arn" {
  description = "delivery = \"queue\": the policy for the user or role of Postglass."
  value       = one(aws_iam_policy.poller[*].arn)
}

output "dead_letter_queue_url" {
  description = "Events that could not be delivered."
  value       = aws_sqs_queue.dead_letters.url
}
