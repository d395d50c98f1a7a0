//! Hosts in China and beside it that speak plain OpenAI chat: a row each.

use super::record::{Provider, also, maker, plain};

pub(super) const ROWS: &[Provider] = &[
    plain("302ai", "302.AI", "https://api.302.ai/v1", &["302AI_API_KEY"]),
    plain("drun", "D.Run (China)", "https://chat.d.run/v1", &["DRUN_API_KEY"]),
    plain("iflowcn", "iFlow", "https://apis.iflow.cn/v1", &["IFLOW_API_KEY"]),
    plain("jiekou", "Jiekou.AI", "https://api.jiekou.ai/openai", &["JIEKOU_API_KEY"]),
    plain(
        "kuae-cloud-coding-plan",
        "KUAE Cloud Coding Plan",
        "https://coding-plan-endpoint.kuaecloud.net/v1",
        &["KUAE_API_KEY"],
    ),
    plain("moark", "Moark", "https://moark.com/v1", &["MOARK_API_KEY"]),
    plain("modelscope", "ModelScope", "https://api-inference.modelscope.cn/v1", &["MODELSCOPE_API_KEY"]),
    plain("qihang-ai", "QiHang", "https://api.qhaigc.net/v1", &["QIHANG_API_KEY"]),
    plain("qiniu-ai", "Qiniu", "https://api.qnaigc.com/v1", &["QINIU_API_KEY"]),
    maker(&["step-"], also(&["step"], plain("stepfun", "StepFun", "https://api.stepfun.com/v1", &["STEPFUN_API_KEY"]))),
    plain("stepfun-ai", "StepFun AI", "https://api.stepfun.ai/step_plan/v1", &["STEPFUN_API_KEY"]),
    plain(
        "tencent-coding-plan",
        "Tencent Coding Plan (China)",
        "https://api.lkeap.cloud.tencent.com/coding/v3",
        &["TENCENT_CODING_PLAN_API_KEY"],
    ),
    also(
        &["tencent"],
        plain(
            "tencent-tokenhub",
            "Tencent TokenHub",
            "https://tokenhub.tencentmaas.com/v1",
            &["TENCENT_TOKENHUB_API_KEY"],
        ),
    ),
];
