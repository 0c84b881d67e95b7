# delivery = "lambda": the forwarder in AWS Lambda posts the events to an intake.

locals {
  lambda = var.delivery == "lambda" ? 1 : 0
  secrets = concat(
    var.api_key_secret_arn == "" ? [] : [{
      Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = [var.api_key_secret_arn]
    }],
    var.api_key_parameter_name == "" ? [] : [{
      Effect = "Allow"
      Action = ["ssm:GetParameter"]
      Resource = [
        "arn:${data.aws_partition.current.partition}:ssm:${data.aws_region.current.name}:${local.account_id}:parameter/${trimprefix(var.api_key_parameter_name, "/")}",
      ]
    }],
  )
}

resource "aws_iam_role" "forwarder" {
  count = local.lambda
  name  = "${var.name}-forwarder"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
  tags = var.tags
}

resource "aws_cloudwatch_log_group" "forwarder" {
  count             = local.lambda
  name              = "/aws/lambda/${var.name}-forwarder"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

resource "aws_iam_role_policy" "forwarder" {
  count = local.lambda
  name  = "forward"
  role  = aws_iam_role.forwarder[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.forwarder[0].arn}:*"]
      },
      { Effect = "Allow", Action = ["sqs:SendMessage"], Resource = [aws_sqs_queue.dead_letters.arn] },
    ], local.secrets)
  })
}

resource "aws_lambda_function" "forwarder" {
  count                          = local.lambda
  function_name                  = "${var.name}-forwarder"
  description                    = "Mail events of Amazon SES to a log intake"
  runtime                        = "provided.al2023"
  architectures                  = ["x86_64"]
  handler                        = "bootstrap"
  filename                       = var.forwarder_zip
  source_code_hash               = var.forwarder_zip == "" ? null : filebase64sha256(var.forwarder_zip)
  role                           = aws_iam_role.forwarder[0].arn
  timeout                        = 60
  memory_size                    = var.forwarder_memory_mb
  reserved_concurrent_executions = var.forwarder_concurrency
  environment {
    variables = merge(
      var.forwarder_environment,
      var.api_key_secret_arn == "" ? {} : { DD_API_KEY_SECRET_ARN = var.api_key_secret_arn },
      var.api_key_parameter_name == "" ? {} : { DD_API_KEY_SSM_NAME = var.api_key_parameter_name },
    )
  }
  tags       = var.tags
  depends_on = [aws_iam_role_policy.forwarder]

  lifecycle {
    precondition {
      condition     = var.forwarder_zip != ""
      error_message = "delivery = \"lambda\" needs forwarder_zip."
    }
  }
}

# Lambda takes an event from SNS before it runs the function: what fails then is not SNS's dead letter.
resource "aws_lambda_function_event_invoke_config" "forwarder" {
  count                        = local.lambda
  function_name                = aws_lambda_function.forwarder[0].function_name
  maximum_event_age_in_seconds = 21600
  maximum_retry_attempts       = 2
  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters.arn
    }
  }
}

resource "aws_lambda_permission" "forwarder" {
  count         = local.lambda
  statement_id  = "${var.name}-events"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.forwarder[0].function_name
  principal     = "sns.amazonaws.com"
  source_arn    = aws_sns_topic.events.arn
}

resource "aws_sns_topic_subscription" "lambda" {
  count          = local.lambda
  topic_arn      = aws_sns_topic.events.arn
  protocol       = "lambda"
  endpoint       = aws_lambda_function.forwarder[0].arn
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters.arn })
  depends_on     = [aws_lambda_permission.forwarder, aws_sqs_queue_policy.dead_letters]
}
