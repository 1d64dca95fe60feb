import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Adam as _fedpress_v1_Adam, Adam__Output as _fedpress_v1_Adam__Output } from './fedpress/v1/Adam.ts';
import type { Augment as _fedpress_v1_Augment, Augment__Output as _fedpress_v1_Augment__Output } from './fedpress/v1/Augment.ts';
import type { Blocks as _fedpress_v1_Blocks, Blocks__Output as _fedpress_v1_Blocks__Output } from './fedpress/v1/Blocks.ts';
import type { Budget as _fedpress_v1_Budget, Budget__Output as _fedpress_v1_Budget__Output } from './fedpress/v1/Budget.ts';
import type { CheckIn as _fedpress_v1_CheckIn, CheckIn__Output as _fedpress_v1_CheckIn__Output } from './fedpress/v1/CheckIn.ts';
import type { ClientSignal as _fedpress_v1_ClientSignal, ClientSignal__Output as _fedpress_v1_ClientSignal__Output } from './fedpress/v1/ClientSignal.ts';
import type { Codec as _fedpress_v1_Codec, Codec__Output as _fedpress_v1_Codec__Output } from './fedpress/v1/Codec.ts';
import type { Configured as _fedpress_v1_Configured, Configured__Output as _fedpress_v1_Configured__Output } from './fedpress/v1/Configured.ts';
import type { CoordinatorClient as _fedpress_v1_CoordinatorClient, CoordinatorDefinition as _fedpress_v1_CoordinatorDefinition } from './fedpress/v1/Coordinator.ts';
import type { CoordinatorSignal as _fedpress_v1_CoordinatorSignal, CoordinatorSignal__Output as _fedpress_v1_CoordinatorSignal__Output } from './fedpress/v1/CoordinatorSignal.ts';
import type { CosineDecay as _fedpress_v1_CosineDecay, CosineDecay__Output as _fedpress_v1_CosineDecay__Output } from './fedpress/v1/CosineDecay.ts';
import type { DeviceProfile as _fedpress_v1_DeviceProfile, DeviceProfile__Output as _fedpress_v1_DeviceProfile__Output } from './fedpress/v1/DeviceProfile.ts';
import type { FetchRequest as _fedpress_v1_FetchRequest, FetchRequest__Output as _fedpress_v1_FetchRequest__Output } from './fedpress/v1/FetchRequest.ts';
import type { Finished as _fedpress_v1_Finished, Finished__Output as _fedpress_v1_Finished__Output } from './fedpress/v1/Finished.ts';
import type { Heard as _fedpress_v1_Heard, Heard__Output as _fedpress_v1_Heard__Output } from './fedpress/v1/Heard.ts';
import type { Heartbeat as _fedpress_v1_Heartbeat, Heartbeat__Output as _fedpress_v1_Heartbeat__Output } from './fedpress/v1/Heartbeat.ts';
import type { HeldModel as _fedpress_v1_HeldModel, HeldModel__Output as _fedpress_v1_HeldModel__Output } from './fedpress/v1/HeldModel.ts';
import type { Hello as _fedpress_v1_Hello, Hello__Output as _fedpress_v1_Hello__Output } from './fedpress/v1/Hello.ts';
import type { Manifest as _fedpress_v1_Manifest, Manifest__Output as _fedpress_v1_Manifest__Output } from './fedpress/v1/Manifest.ts';
import type { ModelChunk as _fedpress_v1_ModelChunk, ModelChunk__Output as _fedpress_v1_ModelChunk__Output } from './fedpress/v1/ModelChunk.ts';
import type { ModelHeader as _fedpress_v1_ModelHeader, ModelHeader__Output as _fedpress_v1_ModelHeader__Output } from './fedpress/v1/ModelHeader.ts';
import type { ModelSource as _fedpress_v1_ModelSource, ModelSource__Output as _fedpress_v1_ModelSource__Output } from './fedpress/v1/ModelSource.ts';
import type { PlanRule as _fedpress_v1_PlanRule, PlanRule__Output as _fedpress_v1_PlanRule__Output } from './fedpress/v1/PlanRule.ts';
import type { Receipt as _fedpress_v1_Receipt, Receipt__Output as _fedpress_v1_Receipt__Output } from './fedpress/v1/Receipt.ts';
import type { Refusal as _fedpress_v1_Refusal, Refusal__Output as _fedpress_v1_Refusal__Output } from './fedpress/v1/Refusal.ts';
import type { ReportChunk as _fedpress_v1_ReportChunk, ReportChunk__Output as _fedpress_v1_ReportChunk__Output } from './fedpress/v1/ReportChunk.ts';
import type { ReportHeader as _fedpress_v1_ReportHeader, ReportHeader__Output as _fedpress_v1_ReportHeader__Output } from './fedpress/v1/ReportHeader.ts';
import type { ReportId as _fedpress_v1_ReportId, ReportId__Output as _fedpress_v1_ReportId__Output } from './fedpress/v1/ReportId.ts';
import type { ResidualDecay as _fedpress_v1_ResidualDecay, ResidualDecay__Output as _fedpress_v1_ResidualDecay__Output } from './fedpress/v1/ResidualDecay.ts';
import type { Resume as _fedpress_v1_Resume, Resume__Output as _fedpress_v1_Resume__Output } from './fedpress/v1/Resume.ts';
import type { Schedule as _fedpress_v1_Schedule, Schedule__Output as _fedpress_v1_Schedule__Output } from './fedpress/v1/Schedule.ts';
import type { Sgd as _fedpress_v1_Sgd, Sgd__Output as _fedpress_v1_Sgd__Output } from './fedpress/v1/Sgd.ts';
import type { Standing as _fedpress_v1_Standing, Standing__Output as _fedpress_v1_Standing__Output } from './fedpress/v1/Standing.ts';
import type { StepDecay as _fedpress_v1_StepDecay, StepDecay__Output as _fedpress_v1_StepDecay__Output } from './fedpress/v1/StepDecay.ts';
import type { Task as _fedpress_v1_Task, Task__Output as _fedpress_v1_Task__Output } from './fedpress/v1/Task.ts';
import type { TaskPart as _fedpress_v1_TaskPart, TaskPart__Output as _fedpress_v1_TaskPart__Output } from './fedpress/v1/TaskPart.ts';
import type { TensorSpec as _fedpress_v1_TensorSpec, TensorSpec__Output as _fedpress_v1_TensorSpec__Output } from './fedpress/v1/TensorSpec.ts';
import type { TrainSettings as _fedpress_v1_TrainSettings, TrainSettings__Output as _fedpress_v1_TrainSettings__Output } from './fedpress/v1/TrainSettings.ts';
import type { Verdict as _fedpress_v1_Verdict, Verdict__Output as _fedpress_v1_Verdict__Output } from './fedpress/v1/Verdict.ts';
import type { Wanted as _fedpress_v1_Wanted, Wanted__Output as _fedpress_v1_Wanted__Output } from './fedpress/v1/Wanted.ts';
import type { Welcome as _fedpress_v1_Welcome, Welcome__Output as _fedpress_v1_Welcome__Output } from './fedpress/v1/Welcome.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  fedpress: {
    v1: {
      Adam: MessageTypeDefinition<_fedpress_v1_Adam, _fedpress_v1_Adam__Output>
      Augment: MessageTypeDefinition<_fedpress_v1_Augment, _fedpress_v1_Augment__Output>
      Blocks: MessageTypeDefinition<_fedpress_v1_Blocks, _fedpress_v1_Blocks__Output>
      Budget: MessageTypeDefinition<_fedpress_v1_Budget, _fedpress_v1_Budget__Output>
      CheckIn: MessageTypeDefinition<_fedpress_v1_CheckIn, _fedpress_v1_CheckIn__Output>
      ClientSignal: MessageTypeDefinition<_fedpress_v1_ClientSignal, _fedpress_v1_ClientSignal__Output>
      Codec: MessageTypeDefinition<_fedpress_v1_Codec, _fedpress_v1_Codec__Output>
      Configured: MessageTypeDefinition<_fedpress_v1_Configured, _fedpress_v1_Configured__Output>
      Coordinator: SubtypeConstructor<typeof grpc.Client, _fedpress_v1_CoordinatorClient> & { service: _fedpress_v1_CoordinatorDefinition }
      CoordinatorSignal: MessageTypeDefinition<_fedpress_v1_CoordinatorSignal, _fedpress_v1_CoordinatorSignal__Output>
      CosineDecay: MessageTypeDefinition<_fedpress_v1_CosineDecay, _fedpress_v1_CosineDecay__Output>
      DeviceProfile: MessageTypeDefinition<_fedpress_v1_DeviceProfile, _fedpress_v1_DeviceProfile__Output>
      FetchRequest: MessageTypeDefinition<_fedpress_v1_FetchRequest, _fedpress_v1_FetchRequest__Output>
      Finished: MessageTypeDefinition<_fedpress_v1_Finished, _fedpress_v1_Finished__Output>
      Heard: MessageTypeDefinition<_fedpress_v1_Heard, _fedpress_v1_Heard__Output>
      Heartbeat: MessageTypeDefinition<_fedpress_v1_Heartbeat, _fedpress_v1_Heartbeat__Output>
      HeldModel: MessageTypeDefinition<_fedpress_v1_HeldModel, _fedpress_v1_HeldModel__Output>
      Hello: MessageTypeDefinition<_fedpress_v1_Hello, _fedpress_v1_Hello__Output>
      Manifest: MessageTypeDefinition<_fedpress_v1_Manifest, _fedpress_v1_Manifest__Output>
      ModelChunk: MessageTypeDefinition<_fedpress_v1_ModelChunk, _fedpress_v1_ModelChunk__Output>
      ModelHeader: MessageTypeDefinition<_fedpress_v1_ModelHeader, _fedpress_v1_ModelHeader__Output>
      ModelSource: MessageTypeDefinition<_fedpress_v1_ModelSource, _fedpress_v1_ModelSource__Output>
      Outcome: EnumTypeDefinition
      PlanRule: MessageTypeDefinition<_fedpress_v1_PlanRule, _fedpress_v1_PlanRule__Output>
      Precision: EnumTypeDefinition
      Receipt: MessageTypeDefinition<_fedpress_v1_Receipt, _fedpress_v1_Receipt__Output>
      Refusal: MessageTypeDefinition<_fedpress_v1_Refusal, _fedpress_v1_Refusal__Output>
      ReportChunk: MessageTypeDefinition<_fedpress_v1_ReportChunk, _fedpress_v1_ReportChunk__Output>
      ReportHeader: MessageTypeDefinition<_fedpress_v1_ReportHeader, _fedpress_v1_ReportHeader__Output>
      ReportId: MessageTypeDefinition<_fedpress_v1_ReportId, _fedpress_v1_ReportId__Output>
      ResidualDecay: MessageTypeDefinition<_fedpress_v1_ResidualDecay, _fedpress_v1_ResidualDecay__Output>
      Resume: MessageTypeDefinition<_fedpress_v1_Resume, _fedpress_v1_Resume__Output>
      Schedule: MessageTypeDefinition<_fedpress_v1_Schedule, _fedpress_v1_Schedule__Output>
      Sgd: MessageTypeDefinition<_fedpress_v1_Sgd, _fedpress_v1_Sgd__Output>
      Standing: MessageTypeDefinition<_fedpress_v1_Standing, _fedpress_v1_Standing__Output>
      StepDecay: MessageTypeDefinition<_fedpress_v1_StepDecay, _fedpress_v1_StepDecay__Output>
      Task: MessageTypeDefinition<_fedpress_v1_Task, _fedpress_v1_Task__Output>
      TaskPart: MessageTypeDefinition<_fedpress_v1_TaskPart, _fedpress_v1_TaskPart__Output>
      TensorSpec: MessageTypeDefinition<_fedpress_v1_TensorSpec, _fedpress_v1_TensorSpec__Output>
      TrainSettings: MessageTypeDefinition<_fedpress_v1_TrainSettings, _fedpress_v1_TrainSettings__Output>
      ValueCoder: EnumTypeDefinition
      Verdict: MessageTypeDefinition<_fedpress_v1_Verdict, _fedpress_v1_Verdict__Output>
      Wanted: MessageTypeDefinition<_fedpress_v1_Wanted, _fedpress_v1_Wanted__Output>
      Welcome: MessageTypeDefinition<_fedpress_v1_Welcome, _fedpress_v1_Welcome__Output>
    }
  }
}

