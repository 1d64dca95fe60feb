// Original file: proto/fedpress/v1/session.proto

import type { Long } from '@grpc/proto-loader';

export interface DeviceProfile {
  'memoryBytes'?: (number | string | Long);
  'uplinkBytesPerSecond'?: (number | string | Long);
}

export interface DeviceProfile__Output {
  'memoryBytes': (number);
  'uplinkBytesPerSecond': (number);
}
