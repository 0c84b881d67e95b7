variable "name" {
  description = "Prefix of everything that is made, and the configuration set's name."
  type        = string
  default     = "postglass"
  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,40}$", var.name))
    error_message = "name takes 1 to 40 characters of A-Z a-z 0-9 _ -."
  }
}

variable "delivery" {
  description = <<-EOT
    How events leave Amazon SNS:
    "https"  SNS posts them to Postglass, which has a public https URL (endpoint_url);
    "lambda" the forwarder runs in AWS Lambda and posts them (forwarder_zip, forwarder_environment);
    "queue"  they wait in an SQS queue that Postglass polls (source.sqs.* of its options): no public URL needed.
  EOT
  type        = string
  validation {
    condition     = contains(["https", "lambda", "queue"], var.delivery)
    error_message = "delivery is https, lambda or queue."
  }
}

variable "event_types" {
  description = "What SES says of each mail. Opens and clicks make SES add a pixel and rewrite links of mails that use the set."
  type        = list(string)
  default = [
    "SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "OPEN", "CLICK", "RENDERING_FAILURE", "DELIVERY_DELAY",
    "SUBSCRIPTION",
  ]
}

variable "tls_policy" {
  description = "REQUIRE: mail goes only to servers that speak TLS; OPTIONAL: also to others."
  type        = string
  default     = "OPTIONAL"
}

variable "endpoint_url" {
  description = "delivery = \"https\": the hook of Postglass, https://HOST/hooks/sns. Its option hooks.sns.topics must name the topic (output topic_arn) before this is applied, else the subscription is not confirmed."
  type        = string
  default     = ""
  validation {
    condition     = var.endpoint_url == "" || can(regex("^https://[^/@]+/", var.endpoint_url))
    error_message = "endpoint_url is an https URL with a path."
  }
}

variable "forwarder_zip" {
  description = "delivery = \"lambda\": path of forwarder.zip, as `make lambda-zip` builds it."
  type        = string
  default     = ""
}

variable "forwarder_environment" {
  description = "delivery = \"lambda\": the forwarder's environment, such as { DD_URL = \"https://postglass.example.com\" }. Keep API keys out of it: it is readable by all who may see the function, and in Terraform's state."
  type        = map(string)
  default     = {}
}

variable "api_key_secret_arn" {
  description = "delivery = \"lambda\": ARN of the secret in Secrets Manager that holds the intake's API key. The function may read this secret and nothing else there."
  type        = string
  default     = ""
}

variable "api_key_parameter_name" {
  description = "The same as a SecureString parameter of Systems Manager, by its name."
  type        = string
  default     = ""
}

variable "forwarder_memory_mb" {
  description = "Memory of the function; its share of CPU grows with it."
  type        = number
  default     = 128
}

variable "forwarder_concurrency" {
  description = "Executions at once that are reserved for the function; -1: no reservation."
  type        = number
  default     = -1
}

variable "log_retention_days" {
  description = "How long the function's own log is kept."
  type        = number
  default     = 30
}

variable "dead_letter_days" {
  description = "How long undelivered events wait in the dead-letter queue, 1 to 14 days."
  type        = number
  default     = 14
  validation {
    condition     = var.dead_letter_days >= 1 && var.dead_letter_days <= 14
    error_message = "dead_letter_days is 1 to 14."
  }
}

variable "alarms" {
  description = "Make CloudWatch alarms: on the first dead letter, and with a queue on events that nobody fetches."
  type        = bool
  default     = true
}

variable "alarm_actions" {
  description = "ARNs that hear of alarms and of their end, such as a topic for people on call. Not the topic of this module."
  type        = list(string)
  default     = []
}

variable "raw_message_delivery" {
  description = "delivery = \"queue\": leave out SNS's envelope and with it the signature. Postglass then trusts the queue's policy and its option source.sqs.raw must be true."
  type        = bool
  default     = false
}

variable "queue_age_alarm_seconds" {
  description = "delivery = \"queue\": alarm when the oldest event has waited so long."
  type        = number
  default     = 900
}

variable "tags" {
  description = "Tags of everything that takes some."
  type        = map(string)
  default     = {}
}
