output "topic_arn" {
  value = aws_sns_topic.events.arn
}

output "configuration_sets" {
  description = "Mails that name one of these have their events sent to the topic."
  value = [
    aws_ses_configuration_set.v1.name,
    aws_sesv2_configuration_set.v2.configuration_set_name,
  ]
}
