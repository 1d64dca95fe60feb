// Made by scripts/generate.mjs from proto/fedpress/v1.
import { loadPackageDefinition } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import type { ProtoGrpcType } from "./coordinator.ts";

const descriptor: object = {
  "nested": {
    "fedpress": {
      "nested": {
        "v1": {
          "nested": {
            "Coordinator": {
              "methods": {
                "CheckIn": {
                  "requestType": "ClientSignal",
                  "requestStream": true,
                  "responseType": "CoordinatorSignal",
                  "responseStream": true
                },
                "FetchModel": {
                  "requestType": "FetchRequest",
                  "responseType": "ModelChunk",
                  "responseStream": true
                },
                "Inquire": {
                  "requestType": "ReportId",
                  "responseType": "Standing"
                },
                "Report": {
                  "requestType": "ReportChunk",
                  "requestStream": true,
                  "responseType": "Receipt"
                }
              }
            },
            "ClientSignal": {
              "oneofs": {
                "signal": {
                  "oneof": [
                    "hello",
                    "checkIn",
                    "heartbeat"
                  ]
                }
              },
              "fields": {
                "hello": {
                  "type": "Hello",
                  "id": 1
                },
                "checkIn": {
                  "type": "CheckIn",
                  "id": 2
                },
                "heartbeat": {
                  "type": "Heartbeat",
                  "id": 3
                }
              }
            },
            "Hello": {
              "fields": {
                "protocol": {
                  "type": "uint32",
                  "id": 1
                },
                "clientId": {
                  "type": "string",
                  "id": 2
                }
              }
            },
            "Heartbeat": {
              "fields": {
                "round": {
                  "type": "uint32",
                  "id": 1
                }
              }
            },
            "CheckIn": {
              "oneofs": {
                "_runId": {
                  "oneof": [
                    "runId"
                  ]
                }
              },
              "fields": {
                "runId": {
                  "type": "string",
                  "id": 1,
                  "options": {
                    "proto3_optional": true
                  }
                },
                "numExamples": {
                  "type": "uint32",
                  "id": 2
                },
                "held": {
                  "type": "HeldModel",
                  "id": 3
                },
                "pending": {
                  "type": "ReportId",
                  "id": 4
                },
                "device": {
                  "type": "DeviceProfile",
                  "id": 5
                }
              }
            },
            "DeviceProfile": {
              "fields": {
                "memoryBytes": {
                  "type": "uint64",
                  "id": 1
                },
                "uplinkBytesPerSecond": {
                  "type": "uint64",
                  "id": 2
                }
              }
            },
            "CoordinatorSignal": {
              "oneofs": {
                "signal": {
                  "oneof": [
                    "welcome",
                    "task",
                    "finished",
                    "refused",
                    "heard"
                  ]
                }
              },
              "fields": {
                "welcome": {
                  "type": "Welcome",
                  "id": 1
                },
                "task": {
                  "type": "Configured",
                  "id": 2
                },
                "finished": {
                  "type": "Finished",
                  "id": 3
                },
                "refused": {
                  "type": "Refusal",
                  "id": 4
                },
                "heard": {
                  "type": "Heard",
                  "id": 5
                }
              }
            },
            "Welcome": {
              "fields": {
                "session": {
                  "type": "bytes",
                  "id": 1
                }
              }
            },
            "Heard": {
              "fields": {
                "round": {
                  "type": "uint32",
                  "id": 1
                },
                "refused": {
                  "type": "Refusal",
                  "id": 2
                }
              }
            },
            "Configured": {
              "fields": {
                "task": {
                  "type": "Task",
                  "id": 1
                },
                "verdict": {
                  "type": "Verdict",
                  "id": 2
                }
              }
            },
            "Finished": {
              "fields": {
                "verdict": {
                  "type": "Verdict",
                  "id": 1
                }
              }
            },
            "HeldModel": {
              "fields": {
                "version": {
                  "type": "uint32",
                  "id": 1
                },
                "digest": {
                  "type": "bytes",
                  "id": 2
                }
              }
            },
            "ReportId": {
              "fields": {
                "round": {
                  "type": "uint32",
                  "id": 1
                },
                "digest": {
                  "type": "bytes",
                  "id": 2
                }
              }
            },
            "Verdict": {
              "oneofs": {
                "_version": {
                  "oneof": [
                    "version"
                  ]
                }
              },
              "fields": {
                "report": {
                  "type": "ReportId",
                  "id": 1
                },
                "outcome": {
                  "type": "Outcome",
                  "id": 2
                },
                "version": {
                  "type": "uint32",
                  "id": 3,
                  "options": {
                    "proto3_optional": true
                  }
                }
              }
            },
            "Outcome": {
              "values": {
                "OUTCOME_UNSPECIFIED": 0,
                "OUTCOME_FOLDED": 1,
                "OUTCOME_DROPPED": 2,
                "OUTCOME_REFUSED": 3,
                "OUTCOME_UNKNOWN": 4
              }
            },
            "Refusal": {
              "oneofs": {
                "_retryAfterMs": {
                  "oneof": [
                    "retryAfterMs"
                  ]
                }
              },
              "fields": {
                "code": {
                  "type": "string",
                  "id": 1
                },
                "detail": {
                  "type": "string",
                  "id": 2
                },
                "retry": {
                  "type": "bool",
                  "id": 3
                },
                "retryAfterMs": {
                  "type": "uint32",
                  "id": 4,
                  "options": {
                    "proto3_optional": true
                  }
                }
              }
            },
            "Task": {
              "fields": {
                "runId": {
                  "type": "string",
                  "id": 1
                },
                "round": {
                  "type": "uint32",
                  "id": 2
                },
                "base": {
                  "type": "HeldModel",
                  "id": 3
                },
                "model": {
                  "type": "ModelSource",
                  "id": 4
                },
                "manifest": {
                  "type": "Manifest",
                  "id": 5
                },
                "train": {
                  "type": "TrainSettings",
                  "id": 6
                },
                "uplink": {
                  "rule": "repeated",
                  "type": "PlanRule",
                  "id": 7
                },
                "downlink": {
                  "rule": "repeated",
                  "type": "PlanRule",
                  "id": 8
                },
                "exponents": {
                  "rule": "repeated",
                  "type": "sint32",
                  "id": 9
                },
                "reportDeadlineMs": {
                  "type": "uint32",
                  "id": 10
                },
                "sharedSeed": {
                  "type": "uint32",
                  "id": 11
                },
                "part": {
                  "type": "TaskPart",
                  "id": 12
                },
                "heartbeatMs": {
                  "type": "uint32",
                  "id": 13
                }
              }
            },
            "TaskPart": {
              "fields": {
                "width": {
                  "type": "double",
                  "id": 1
                },
                "masks": {
                  "type": "bytes",
                  "id": 2
                }
              }
            },
            "ModelSource": {
              "fields": {
                "zoo": {
                  "type": "string",
                  "id": 1
                },
                "seed": {
                  "type": "uint32",
                  "id": 2
                }
              }
            },
            "Manifest": {
              "fields": {
                "tensors": {
                  "rule": "repeated",
                  "type": "TensorSpec",
                  "id": 1
                }
              }
            },
            "TensorSpec": {
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "shape": {
                  "rule": "repeated",
                  "type": "uint32",
                  "id": 2
                }
              }
            },
            "TrainSettings": {
              "oneofs": {
                "optimizer": {
                  "oneof": [
                    "sgd",
                    "adam"
                  ]
                }
              },
              "fields": {
                "epochs": {
                  "type": "uint32",
                  "id": 1
                },
                "batchSize": {
                  "type": "uint32",
                  "id": 2
                },
                "sgd": {
                  "type": "Sgd",
                  "id": 3
                },
                "adam": {
                  "type": "Adam",
                  "id": 4
                },
                "schedule": {
                  "type": "Schedule",
                  "id": 5
                },
                "proximal": {
                  "type": "double",
                  "id": 6
                },
                "clipNorm": {
                  "type": "double",
                  "id": 7
                },
                "weightDecay": {
                  "type": "double",
                  "id": 8
                },
                "labelSmoothing": {
                  "type": "double",
                  "id": 9
                },
                "augment": {
                  "type": "Augment",
                  "id": 10
                },
                "updateClipNorm": {
                  "type": "double",
                  "id": 11
                },
                "perStep": {
                  "type": "bool",
                  "id": 12
                },
                "residualDecay": {
                  "type": "ResidualDecay",
                  "id": 13
                },
                "controlVariates": {
                  "type": "bool",
                  "id": 14
                },
                "precision": {
                  "type": "Precision",
                  "id": 15
                }
              }
            },
            "Precision": {
              "values": {
                "PRECISION_UNSPECIFIED": 0,
                "PRECISION_BFLOAT16": 1,
                "PRECISION_FLOAT16": 2
              }
            },
            "ResidualDecay": {
              "fields": {
                "afterRounds": {
                  "type": "uint32",
                  "id": 1
                },
                "factor": {
                  "type": "double",
                  "id": 2
                }
              }
            },
            "Schedule": {
              "oneofs": {
                "decay": {
                  "oneof": [
                    "step",
                    "cosine"
                  ]
                }
              },
              "fields": {
                "warmUpSteps": {
                  "type": "uint32",
                  "id": 1
                },
                "step": {
                  "type": "StepDecay",
                  "id": 2
                },
                "cosine": {
                  "type": "CosineDecay",
                  "id": 3
                }
              }
            },
            "StepDecay": {
              "fields": {
                "everySteps": {
                  "type": "uint32",
                  "id": 1
                },
                "factor": {
                  "type": "double",
                  "id": 2
                }
              }
            },
            "CosineDecay": {
              "fields": {
                "floor": {
                  "type": "double",
                  "id": 1
                }
              }
            },
            "Augment": {
              "fields": {
                "shift": {
                  "type": "uint32",
                  "id": 1
                },
                "flip": {
                  "type": "bool",
                  "id": 2
                },
                "noise": {
                  "type": "double",
                  "id": 3
                }
              }
            },
            "Sgd": {
              "fields": {
                "learningRate": {
                  "type": "double",
                  "id": 1
                },
                "momentum": {
                  "type": "double",
                  "id": 2
                }
              }
            },
            "Adam": {
              "fields": {
                "learningRate": {
                  "type": "double",
                  "id": 1
                }
              }
            },
            "PlanRule": {
              "fields": {
                "tensors": {
                  "type": "string",
                  "id": 1
                },
                "codec": {
                  "type": "Codec",
                  "id": 2
                },
                "errorFeedback": {
                  "type": "bool",
                  "id": 3
                },
                "history": {
                  "type": "bool",
                  "id": 4
                }
              }
            },
            "Codec": {
              "oneofs": {
                "select": {
                  "oneof": [
                    "topK",
                    "threshold",
                    "randomK",
                    "blocks",
                    "lowRank",
                    "rows",
                    "filters",
                    "topKByRate",
                    "budget"
                  ]
                },
                "values": {
                  "oneof": [
                    "coder",
                    "uniformBits",
                    "stochasticBits",
                    "qsgdLevels",
                    "codebook",
                    "levels",
                    "edenBits"
                  ]
                }
              },
              "fields": {
                "topK": {
                  "type": "double",
                  "id": 1
                },
                "threshold": {
                  "type": "double",
                  "id": 4
                },
                "randomK": {
                  "type": "double",
                  "id": 5
                },
                "blocks": {
                  "type": "Blocks",
                  "id": 6
                },
                "lowRank": {
                  "type": "uint32",
                  "id": 12
                },
                "rows": {
                  "type": "double",
                  "id": 13
                },
                "filters": {
                  "type": "double",
                  "id": 14
                },
                "topKByRate": {
                  "type": "double",
                  "id": 15
                },
                "budget": {
                  "type": "Budget",
                  "id": 16
                },
                "coder": {
                  "type": "ValueCoder",
                  "id": 2
                },
                "uniformBits": {
                  "type": "uint32",
                  "id": 3
                },
                "stochasticBits": {
                  "type": "uint32",
                  "id": 7
                },
                "qsgdLevels": {
                  "type": "uint32",
                  "id": 8
                },
                "codebook": {
                  "type": "uint32",
                  "id": 9
                },
                "levels": {
                  "type": "uint32",
                  "id": 10
                },
                "edenBits": {
                  "type": "uint32",
                  "id": 11
                }
              }
            },
            "Budget": {
              "oneofs": {
                "limit": {
                  "oneof": [
                    "bytesPerRound",
                    "secondsPerRound"
                  ]
                }
              },
              "fields": {
                "bytesPerRound": {
                  "type": "uint32",
                  "id": 1
                },
                "secondsPerRound": {
                  "type": "double",
                  "id": 2
                },
                "rateDistortion": {
                  "type": "bool",
                  "id": 3
                }
              }
            },
            "Blocks": {
              "fields": {
                "keep": {
                  "type": "uint32",
                  "id": 1
                },
                "of": {
                  "type": "uint32",
                  "id": 2
                }
              }
            },
            "ValueCoder": {
              "values": {
                "VALUE_CODER_UNSPECIFIED": 0,
                "VALUE_CODER_FLOAT32": 1,
                "VALUE_CODER_FLOAT16": 2,
                "VALUE_CODER_TERNARY": 3,
                "VALUE_CODER_BFLOAT16": 4,
                "VALUE_CODER_SIGN": 5
              }
            },
            "FetchRequest": {
              "oneofs": {
                "_masks": {
                  "oneof": [
                    "masks"
                  ]
                }
              },
              "fields": {
                "held": {
                  "type": "HeldModel",
                  "id": 1
                },
                "version": {
                  "type": "uint32",
                  "id": 2
                },
                "masks": {
                  "type": "bytes",
                  "id": 3,
                  "options": {
                    "proto3_optional": true
                  }
                },
                "resume": {
                  "type": "Resume",
                  "id": 4
                },
                "whole": {
                  "type": "bool",
                  "id": 5
                }
              }
            },
            "Resume": {
              "fields": {
                "transfer": {
                  "type": "bytes",
                  "id": 1
                },
                "offset": {
                  "type": "uint64",
                  "id": 2
                }
              }
            },
            "ModelChunk": {
              "fields": {
                "header": {
                  "type": "ModelHeader",
                  "id": 1
                },
                "data": {
                  "type": "bytes",
                  "id": 2
                }
              }
            },
            "ModelHeader": {
              "fields": {
                "frameBytes": {
                  "rule": "repeated",
                  "type": "uint32",
                  "id": 1
                },
                "transfer": {
                  "type": "bytes",
                  "id": 2
                },
                "offset": {
                  "type": "uint64",
                  "id": 3
                }
              }
            },
            "ReportChunk": {
              "fields": {
                "header": {
                  "type": "ReportHeader",
                  "id": 1
                },
                "data": {
                  "type": "bytes",
                  "id": 2
                }
              }
            },
            "ReportHeader": {
              "fields": {
                "report": {
                  "type": "ReportId",
                  "id": 1
                },
                "frameBytes": {
                  "type": "uint32",
                  "id": 2
                },
                "offset": {
                  "type": "uint32",
                  "id": 3
                }
              }
            },
            "Standing": {
              "oneofs": {
                "standing": {
                  "oneof": [
                    "accepted",
                    "wanted",
                    "refused"
                  ]
                }
              },
              "fields": {
                "accepted": {
                  "type": "ReportId",
                  "id": 1
                },
                "wanted": {
                  "type": "Wanted",
                  "id": 2
                },
                "refused": {
                  "type": "Refusal",
                  "id": 3
                }
              }
            },
            "Wanted": {
              "fields": {
                "receivedBytes": {
                  "type": "uint32",
                  "id": 1
                }
              }
            },
            "Receipt": {
              "oneofs": {
                "receipt": {
                  "oneof": [
                    "accepted",
                    "refused"
                  ]
                }
              },
              "fields": {
                "accepted": {
                  "type": "ReportId",
                  "id": 1
                },
                "refused": {
                  "type": "Refusal",
                  "id": 2
                }
              }
            }
          }
        }
      }
    }
  }
};

const loaded = loadPackageDefinition(fromJSON(descriptor, { longs: Number, enums: String, defaults: true, oneofs: true }));

/** The client's constructor; `.service` is what a server implements. */
export const Coordinator = (loaded as unknown as ProtoGrpcType).fedpress.v1.Coordinator;
