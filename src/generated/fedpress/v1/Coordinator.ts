// Original file: proto/fedpress/v1/coordinator.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ClientSignal as _fedpress_v1_ClientSignal, ClientSignal__Output as _fedpress_v1_ClientSignal__Output } from '../../fedpress/v1/ClientSignal.ts';
import type { CoordinatorSignal as _fedpress_v1_CoordinatorSignal, CoordinatorSignal__Output as _fedpress_v1_CoordinatorSignal__Output } from '../../fedpress/v1/CoordinatorSignal.ts';
import type { FetchRequest as _fedpress_v1_FetchRequest, FetchRequest__Output as _fedpress_v1_FetchRequest__Output } from '../../fedpress/v1/FetchRequest.ts';
import type { ModelChunk as _fedpress_v1_ModelChunk, ModelChunk__Output as _fedpress_v1_ModelChunk__Output } from '../../fedpress/v1/ModelChunk.ts';
import type { Receipt as _fedpress_v1_Receipt, Receipt__Output as _fedpress_v1_Receipt__Output } from '../../fedpress/v1/Receipt.ts';
import type { ReportChunk as _fedpress_v1_ReportChunk, ReportChunk__Output as _fedpress_v1_ReportChunk__Output } from '../../fedpress/v1/ReportChunk.ts';
import type { ReportId as _fedpress_v1_ReportId, ReportId__Output as _fedpress_v1_ReportId__Output } from '../../fedpress/v1/ReportId.ts';
import type { Standing as _fedpress_v1_Standing, Standing__Output as _fedpress_v1_Standing__Output } from '../../fedpress/v1/Standing.ts';

export interface CoordinatorClient extends grpc.Client {
  CheckIn(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_fedpress_v1_ClientSignal, _fedpress_v1_CoordinatorSignal__Output>;
  CheckIn(options?: grpc.CallOptions): grpc.ClientDuplexStream<_fedpress_v1_ClientSignal, _fedpress_v1_CoordinatorSignal__Output>;
  checkIn(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_fedpress_v1_ClientSignal, _fedpress_v1_CoordinatorSignal__Output>;
  checkIn(options?: grpc.CallOptions): grpc.ClientDuplexStream<_fedpress_v1_ClientSignal, _fedpress_v1_CoordinatorSignal__Output>;
  
  FetchModel(argument: _fedpress_v1_FetchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_fedpress_v1_ModelChunk__Output>;
  FetchModel(argument: _fedpress_v1_FetchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_fedpress_v1_ModelChunk__Output>;
  fetchModel(argument: _fedpress_v1_FetchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_fedpress_v1_ModelChunk__Output>;
  fetchModel(argument: _fedpress_v1_FetchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_fedpress_v1_ModelChunk__Output>;
  
  Inquire(argument: _fedpress_v1_ReportId, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fedpress_v1_Standing__Output>): grpc.ClientUnaryCall;
  Inquire(argument: _fedpress_v1_ReportId, metadata: grpc.Metadata, callback: grpc.requestCallback<_fedpress_v1_Standing__Output>): grpc.ClientUnaryCall;
  Inquire(argument: _fedpress_v1_ReportId, options: grpc.CallOptions, callback: grpc.requestCallback<_fedpress_v1_Standing__Output>): grpc.ClientUnaryCall;
  Inquire(argument: _fedpress_v1_ReportId, callback: grpc.requestCallback<_fedpress_v1_Standing__Output>): grpc.ClientUnaryCall;
  inquire(argument: _fedpress_v1_ReportId, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fedpress_v1_Standing__Output>): grpc.ClientUnaryCall;
  inquire(argument: _fedpress_v1_ReportId, metadata: grpc.Metadata, callback: grpc.requestCallback<_fedpress_v1_Standing__Output>): grpc.ClientUnaryCall;
  inquire(argument: _fedpress_v1_ReportId, options: grpc.CallOptions, callback: grpc.requestCallback<_fedpress_v1_Standing__Output>): grpc.ClientUnaryCall;
  inquire(argument: _fedpress_v1_ReportId, callback: grpc.requestCallback<_fedpress_v1_Standing__Output>): grpc.ClientUnaryCall;
  
  Report(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fedpress_v1_Receipt__Output>): grpc.ClientWritableStream<_fedpress_v1_ReportChunk>;
  Report(metadata: grpc.Metadata, callback: grpc.requestCallback<_fedpress_v1_Receipt__Output>): grpc.ClientWritableStream<_fedpress_v1_ReportChunk>;
  Report(options: grpc.CallOptions, callback: grpc.requestCallback<_fedpress_v1_Receipt__Output>): grpc.ClientWritableStream<_fedpress_v1_ReportChunk>;
  Report(callback: grpc.requestCallback<_fedpress_v1_Receipt__Output>): grpc.ClientWritableStream<_fedpress_v1_ReportChunk>;
  report(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fedpress_v1_Receipt__Output>): grpc.ClientWritableStream<_fedpress_v1_ReportChunk>;
  report(metadata: grpc.Metadata, callback: grpc.requestCallback<_fedpress_v1_Receipt__Output>): grpc.ClientWritableStream<_fedpress_v1_ReportChunk>;
  report(options: grpc.CallOptions, callback: grpc.requestCallback<_fedpress_v1_Receipt__Output>): grpc.ClientWritableStream<_fedpress_v1_ReportChunk>;
  report(callback: grpc.requestCallback<_fedpress_v1_Receipt__Output>): grpc.ClientWritableStream<_fedpress_v1_ReportChunk>;
  
}

export interface CoordinatorHandlers extends grpc.UntypedServiceImplementation {
  CheckIn: grpc.handleBidiStreamingCall<_fedpress_v1_ClientSignal__Output, _fedpress_v1_CoordinatorSignal>;
  
  FetchModel: grpc.handleServerStreamingCall<_fedpress_v1_FetchRequest__Output, _fedpress_v1_ModelChunk>;
  
  Inquire: grpc.handleUnaryCall<_fedpress_v1_ReportId__Output, _fedpress_v1_Standing>;
  
  Report: grpc.handleClientStreamingCall<_fedpress_v1_ReportChunk__Output, _fedpress_v1_Receipt>;
  
}

export interface CoordinatorDefinition extends grpc.ServiceDefinition {
  CheckIn: MethodDefinition<_fedpress_v1_ClientSignal, _fedpress_v1_CoordinatorSignal, _fedpress_v1_ClientSignal__Output, _fedpress_v1_CoordinatorSignal__Output>
  FetchModel: MethodDefinition<_fedpress_v1_FetchRequest, _fedpress_v1_ModelChunk, _fedpress_v1_FetchRequest__Output, _fedpress_v1_ModelChunk__Output>
  Inquire: MethodDefinition<_fedpress_v1_ReportId, _fedpress_v1_Standing, _fedpress_v1_ReportId__Output, _fedpress_v1_Standing__Output>
  Report: MethodDefinition<_fedpress_v1_ReportChunk, _fedpress_v1_Receipt, _fedpress_v1_ReportChunk__Output, _fedpress_v1_Receipt__Output>
}
