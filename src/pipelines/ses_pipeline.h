#pragma once

#include "pipelines/engine.h"

namespace postglass::pipelines {

// The built-in pipeline for SES events, by whatever way they came: source sns, ses or amazon_ses.
Pipeline MakeSesPipeline();

}  // namespace postglass::pipelines
