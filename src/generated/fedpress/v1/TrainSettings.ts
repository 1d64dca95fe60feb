// Original file: proto/fedpress/v1/task.proto

import type { Sgd as _fedpress_v1_Sgd, Sgd__Output as _fedpress_v1_Sgd__Output } from '../../fedpress/v1/Sgd.ts';
import type { Adam as _fedpress_v1_Adam, Adam__Output as _fedpress_v1_Adam__Output } from '../../fedpress/v1/Adam.ts';
import type { Schedule as _fedpress_v1_Schedule, Schedule__Output as _fedpress_v1_Schedule__Output } from '../../fedpress/v1/Schedule.ts';
import type { Augment as _fedpress_v1_Augment, Augment__Output as _fedpress_v1_Augment__Output } from '../../fedpress/v1/Augment.ts';
import type { ResidualDecay as _fedpress_v1_ResidualDecay, ResidualDecay__Output as _fedpress_v1_ResidualDecay__Output } from '../../fedpress/v1/ResidualDecay.ts';
import type { Precision as _fedpress_v1_Precision, Precision__Output as _fedpress_v1_Precision__Output } from '../../fedpress/v1/Precision.ts';

export interface TrainSettings {
  'epochs'?: (number);
  'batchSize'?: (number);
  'sgd'?: (_fedpress_v1_Sgd | null);
  'adam'?: (_fedpress_v1_Adam | null);
  'schedule'?: (_fedpress_v1_Schedule | null);
  'proximal'?: (number | string);
  'clipNorm'?: (number | string);
  'weightDecay'?: (number | string);
  'labelSmoothing'?: (number | string);
  'augment'?: (_fedpress_v1_Augment | null);
  'updateClipNorm'?: (number | string);
  'perStep'?: (boolean);
  'residualDecay'?: (_fedpress_v1_ResidualDecay | null);
  'controlVariates'?: (boolean);
  'precision'?: (_fedpress_v1_Precision);
  'optimizer'?: "sgd"|"adam";
}

export interface TrainSettings__Output {
  'epochs': (number);
  'batchSize': (number);
  'sgd'?: (_fedpress_v1_Sgd__Output | null);
  'adam'?: (_fedpress_v1_Adam__Output | null);
  'schedule': (_fedpress_v1_Schedule__Output | null);
  'proximal': (number);
  'clipNorm': (number);
  'weightDecay': (number);
  'labelSmoothing': (number);
  'augment': (_fedpress_v1_Augment__Output | null);
  'updateClipNorm': (number);
  'perStep': (boolean);
  'residualDecay': (_fedpress_v1_ResidualDecay__Output | null);
  'controlVariates': (boolean);
  'precision': (_fedpress_v1_Precision__Output);
  'optimizer'?: "sgd"|"adam";
}
