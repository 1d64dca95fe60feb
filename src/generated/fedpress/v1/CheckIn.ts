// Original file: proto/fedpress/v1/session.proto

import type { HeldModel as _fedpress_v1_HeldModel, HeldModel__Output as _fedpress_v1_HeldModel__Output } from '../../fedpress/v1/HeldModel.ts';
import type { ReportId as _fedpress_v1_ReportId, ReportId__Output as _fedpress_v1_ReportId__Output } from '../../fedpress/v1/ReportId.ts';
import type { DeviceProfile as _fedpress_v1_DeviceProfile, DeviceProfile__Output as _fedpress_v1_DeviceProfile__Output } from '../../fedpress/v1/DeviceProfile.ts';

export interface CheckIn {
  'runId'?: (string);
  'numExamples'?: (number);
  'held'?: (_fedpress_v1_HeldModel | null);
  'pending'?: (_fedpress_v1_ReportId | null);
  'device'?: (_fedpress_v1_DeviceProfile | null);
  '_runId'?: "runId";
}

export interface CheckIn__Output {
  'runId'?: (string);
  'numExamples': (number);
  'held': (_fedpress_v1_HeldModel__Output | null);
  'pending': (_fedpress_v1_ReportId__Output | null);
  'device': (_fedpress_v1_DeviceProfile__Output | null);
  '_runId'?: "runId";
}
