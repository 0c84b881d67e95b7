variable "endpoint" {
  description = "Where Postglass listens, \"http://127.0.0.1:8080\" say. The only variable that has no default."
  type        = string
}

variable "region" {
  description = "The Region that Postglass was made with."
  type        = string
  default     = "us-east-1"
}

variable "access_key" {
  description = "AWS access key of Postglass; null: from AWS_ACCESS_KEY_ID or a profile, as the provider finds it."
  type        = string
  default     = null
}

variable "secret_key" {
  description = "Its secret; null: from AWS_SECRET_ACCESS_KEY or a profile."
  type        = string
  default     = null
  sensitive   = true
}

variable "name" {
  description = "Of the topic, the function, the role and, with -v1 and -v2 behind it, of the configuration sets."
  type        = string
  default     = "ses-events"
}

variable "runtime" {
  description = "Runtime of the function. On Postglass every python3.* runs on the machine's Python 3."
  type        = string
  default     = "python3.12"
}

variable "dd_api_key" {
  description = "API key of the log intake; empty: the host gives the function one of its own."
  type        = string
  default     = ""
  sensitive   = true
}
