// Original file: proto/fedpress/v1/task.proto

import type { HeldModel as _fedpress_v1_HeldModel, HeldModel__Output as _fedpress_v1_HeldModel__Output } from '../../fedpress/v1/HeldModel.ts';
import type { ModelSource as _fedpress_v1_ModelSource, ModelSource__Output as _fedpress_v1_ModelSource__Output } from '../../fedpress/v1/ModelSource.ts';
import type { Manifest as _fedpress_v1_Manifest, Manifest__Output as _fedpress_v1_Manifest__Output } from '../../fedpress/v1/Manifest.ts';
import type { TrainSettings as _fedpress_v1_TrainSettings, TrainSettings__Output as _fedpress_v1_TrainSettings__Output } from '../../fedpress/v1/TrainSettings.ts';
import type { PlanRule as _fedpress_v1_PlanRule, PlanRule__Output as _fedpress_v1_PlanRule__Output } from '../../fedpress/v1/PlanRule.ts';
import type { TaskPart as _fedpress_v1_TaskPart, TaskPart__Output as _fedpress_v1_TaskPart__Output } from '../../fedpress/v1/TaskPart.ts';

export interface Task {
  'runId'?: (string);
  'round'?: (number);
  'base'?: (_fedpress_v1_HeldModel | null);
  'model'?: (_fedpress_v1_ModelSource | null);
  'manifest'?: (_fedpress_v1_Manifest | null);
  'train'?: (_fedpress_v1_TrainSettings | null);
  'uplink'?: (_fedpress_v1_PlanRule)[];
  'downlink'?: (_fedpress_v1_PlanRule)[];
  'exponents'?: (number)[];
  'reportDeadlineMs'?: (number);
  'sharedSeed'?: (number);
  'part'?: (_fedpress_v1_TaskPart | null);
  'heartbeatMs'?: (number);
}

export interface Task__Output {
  'runId': (string);
  'round': (number);
  'base': (_fedpress_v1_HeldModel__Output | null);
  'model': (_fedpress_v1_ModelSource__Output | null);
  'manifest': (_fedpress_v1_Manifest__Output | null);
  'train': (_fedpress_v1_TrainSettings__Output | null);
  'uplink': (_fedpress_v1_PlanRule__Output)[];
  'downlink': (_fedpress_v1_PlanRule__Output)[];
  'exponents': (number)[];
  'reportDeadlineMs': (number);
  'sharedSeed': (number);
  'part': (_fedpress_v1_TaskPart__Output | null);
  'heartbeatMs': (number);
}
