PRAGMA application_id = 1095584070;
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
BEGIN TRANSACTION;
CREATE TABLE batch (           -- one run of a manifest
  id              TEXT NOT NULL PRIMARY KEY, -- ours, random
  manifest_name   TEXT NOT NULL,    -- as the user called it
  manifest_digest TEXT NOT NULL,    -- hex SHA-256 of the normal form: the same manifest finds its batch again
  manifest        TEXT NOT NULL,    -- the normal form, JSON
  created_ms      INTEGER NOT NULL  -- all times: milliseconds since 1970 UTC
) STRICT;
INSERT INTO "batch" VALUES('20261118-110640-96fc','manifest','72ac31caea3a21ee25ec2129f48b714efda4518ce5320688fb1e1d73570ac83d','{"copies":[{"allow_differences":[],"route":"auto","source":{"image":"ami-0a000000000000001","profile":"from","region":"us-east-1"},"tags":{},"target":{"profile":"to","region":"eu-west-1"}},{"allow_differences":[],"route":"auto","source":{"image":"ami-0a000000000000002","profile":"from","region":"us-east-1"},"tags":{},"target":{"profile":"to","region":"eu-west-1"}},{"allow_differences":[],"route":"auto","source":{"image":"ami-0a000000000000003","profile":"from","region":"us-east-1"},"tags":{},"target":{"kms_key":"alias/amis","profile":"to","region":"eu-west-1"}},{"allow_differences":[],"route":"auto","source":{"image":"ami-0a000000000000006","profile":"from","region":"us-east-1"},"tags":{},"target":{"kms_key":"alias/off","profile":"to","region":"eu-west-1"}},{"allow_differences":[],"route":"auto","source":{"image":"ami-0a00000000000dead","profile":"from","region":"us-east-1"},"tags":{},"target":{"profile":"to","region":"eu-west-1"}}],"version":1}',1795000000000);
INSERT INTO "batch" VALUES('20261118-110955-0bb4','manifest','5d4471ec5b7245a9ff61742644f9c3c8a850bf2e7f1571031ccb207680025018','{"copies":[{"allow_differences":[],"route":"auto","source":{"image":"ami-0a000000000000005","profile":"from","region":"us-east-1"},"tags":{},"target":{"profile":"to","region":"eu-west-1"}},{"allow_differences":[],"route":"auto","source":{"image":"ami-0a000000000000003","profile":"from","region":"us-east-1"},"tags":{},"target":{"kms_key":"alias/amis","profile":"to","region":"us-east-1"}}],"version":1}',1795000195020);
CREATE TABLE copy (            -- one source AMI to one target account and Region
  id               TEXT NOT NULL PRIMARY KEY, -- ours, random: part of tokens, names and tags
  batch_id         TEXT NOT NULL REFERENCES batch (id), -- the run that asked for it
  position         INTEGER NOT NULL CHECK (position >= 0), -- in the manifest, from 0
  key              TEXT NOT NULL,    -- what makes it the same copy: source, target and name
  -- where it is; done, failed and cancelled are its ends
  state            TEXT NOT NULL CHECK (state IN ('waiting', 'inspecting', 'working', 'undoing', 'done', 'failed', 'cancelled', 'blocked')),
  -- of an undoing copy: where that ends
  goal             TEXT NOT NULL CHECK (goal IN ('none', 'done', 'failed', 'cancelled', 'blocked')),
  -- of a blocked copy: where a retry goes on
  resume_state     TEXT NOT NULL CHECK (resume_state IN ('waiting', 'inspecting', 'working', 'undoing', 'done', 'failed', 'cancelled', 'blocked')),
  cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)), -- what is not sent is not sent any more
  machine_version  INTEGER NOT NULL, -- of the table of moves that drives it
  route            TEXT,             -- NULL until it is chosen
  reason           TEXT,             -- why this route, in words
  image_id         TEXT,             -- the new AMI; NULL until it exists
  error            TEXT,             -- JSON: the last error that decided something
  bytes            INTEGER NOT NULL, -- to be copied, estimated; 0 while unknown
  created_ms       INTEGER NOT NULL, -- when it was written down
  updated_ms       INTEGER NOT NULL, -- when its newest event was
  revision         INTEGER NOT NULL CHECK (revision >= 1)  -- the number of its newest event
) STRICT, WITHOUT ROWID;
INSERT INTO "copy" VALUES('cp-4d9304b192b9','20261118-110955-0bb4',1,'ami-0a000000000000003:us-east-1:us-east-1:*:profile=to','waiting','none','waiting',0,1,NULL,NULL,NULL,NULL,0,1795000195020,1795000195020,1);
INSERT INTO "copy" VALUES('cp-5cb339ed02e1','20261118-110640-96fc',2,'ami-0a000000000000003:us-east-1:eu-west-1:*:profile=to','working','none','waiting',0,1,'reencrypt','shared by 111111111111, encrypted under a customer key: each snapshot is copied under the target''s key, and an image is registered from the copies',NULL,NULL,40802189312,1795000000000,1795000195020,46);
INSERT INTO "copy" VALUES('cp-5e71f8e6d5c0','20261118-110955-0bb4',0,'ami-0a000000000000005:us-east-1:eu-west-1:*:profile=to','waiting','none','waiting',0,1,NULL,NULL,NULL,NULL,0,1795000195020,1795000195020,1);
INSERT INTO "copy" VALUES('cp-789a7684ccf8','20261118-110640-96fc',4,'ami-0a00000000000dead:us-east-1:eu-west-1:*:profile=to','failed','none','inspecting',0,1,NULL,NULL,NULL,'{"class":"not-yet-visible","code":"InvalidAMIID.NotFound","http_status":400,"request_id":"d17ccf5b-eceb-4ed1-b07a-d07f69169c4d","account":"111111111111","region":"us-east-1","action":"ec2:DescribeImages","resource":"ami-0a00000000000dead","message":"The image id ''[ami-0a00000000000dead]'' does not exist","hint":"The image is not visible to this account: it is not shared with it, it was deregistered, it is too new to be seen everywhere, or the account''s Allowed AMIs setting hides it (EC2 console, Allowed AMIs)."}',0,1795000000000,1795000000100,3);
INSERT INTO "copy" VALUES('cp-942e81f91fc5','20261118-110640-96fc',3,'ami-0a000000000000006:us-east-1:eu-west-1:*:profile=to','blocked','none','inspecting',0,1,NULL,NULL,NULL,'{"class":"auth","code":"TargetKeyNotEnabled","http_status":0,"request_id":"","account":"222222222222","region":"eu-west-1","action":"kms:DescribeKey","resource":"arn:aws:kms:eu-west-1:222222222222:key/00000000-0000-4000-8000-000000000013","message":"the target key alias/off is not enabled but Disabled","hint":"enable the key (EnableKey), then retry"}',6442450944,1795000000000,1795000000200,4);
INSERT INTO "copy" VALUES('cp-cd4262d4a511','20261118-110640-96fc',0,'ami-0a000000000000001:us-east-1:eu-west-1:*:profile=to','done','done','waiting',0,1,'copy-image','shared by 111111111111, not encrypted: its storage is shared with the target, which copies it with CopyImage','ami-06fc45ac87155d94c',NULL,1073741824,1795000000000,1795000025100,29);
INSERT INTO "copy" VALUES('cp-eabbbb0fcc1b','20261118-110640-96fc',1,'ami-0a000000000000002:us-east-1:eu-west-1:*:profile=to','working','none','waiting',0,1,'copy-image','shared by 111111111111, not encrypted: its storage is shared with the target, which copies it with CopyImage',NULL,NULL,966367641600,1795000000000,1795000023521,20);
CREATE TABLE copy_text (       -- the long texts of a copy
  copy_id TEXT NOT NULL PRIMARY KEY REFERENCES copy (id), -- whose they are
  spec    TEXT NOT NULL,   -- JSON: what the manifest asks for
  facts   TEXT             -- JSON: what was read of the source and both accounts; NULL until then
) STRICT;
INSERT INTO "copy_text" VALUES('cp-cd4262d4a511','{"allow_differences":[],"route":"auto","source":{"image":"ami-0a000000000000001","profile":"from","region":"us-east-1"},"tags":{},"target":{"profile":"to","region":"eu-west-1"}}','{"allowed_images":"disabled","begun_ms":0,"encryption_by_default":false,"image":{"Architecture":"x86_64","BlockDeviceMappings":[{"DeviceName":"/dev/xvda","Ebs":{"DeleteOnTermination":true,"Encrypted":false,"SnapshotId":"snap-0a000000000000001","VolumeSize":1,"VolumeType":"gp3"}}],"CreationDate":"2026-10-19T11:06:40.000Z","EnaSupport":true,"Hypervisor":"xen","ImageId":"ami-0a000000000000001","ImageLocation":"111111111111/small","ImageType":"machine","Name":"small","OwnerId":"111111111111","PlatformDetails":"Linux/UNIX","Public":false,"RootDeviceName":"/dev/xvda","RootDeviceType":"ebs","State":"available","UsageOperation":"RunInstances","VirtualizationType":"hvm"},"launch_encryption_by_default":false,"name_holders":[],"pull":false,"snapshots":[{"CompletionTime":"2026-10-19T11:06:40.000Z","Description":"","Encrypted":false,"OwnerId":"111111111111","Progress":"100%","SnapshotId":"snap-0a000000000000001","StartTime":"2026-10-19T11:06:40.000Z","State":"completed","StorageTier":"standard","VolumeId":"vol-0a000000000000001","VolumeSize":1}],"source_account":"111111111111","source_keys":[],"source_partition":"aws","target_account":"222222222222","target_partition":"aws","uefi_unreadable":false}');
INSERT INTO "copy_text" VALUES('cp-eabbbb0fcc1b','{"allow_differences":[],"route":"auto","source":{"image":"ami-0a000000000000002","profile":"from","region":"us-east-1"},"tags":{},"target":{"profile":"to","region":"eu-west-1"}}','{"allowed_images":"disabled","begun_ms":0,"encryption_by_default":false,"image":{"Architecture":"x86_64","BlockDeviceMappings":[{"DeviceName":"/dev/xvda","Ebs":{"DeleteOnTermination":true,"Encrypted":false,"SnapshotId":"snap-0a000000000000002","VolumeSize":900,"VolumeType":"gp3"}}],"CreationDate":"2026-10-19T11:06:40.000Z","EnaSupport":true,"Hypervisor":"xen","ImageId":"ami-0a000000000000002","ImageLocation":"111111111111/large","ImageType":"machine","Name":"large","OwnerId":"111111111111","PlatformDetails":"Linux/UNIX","Public":false,"RootDeviceName":"/dev/xvda","RootDeviceType":"ebs","State":"available","UsageOperation":"RunInstances","VirtualizationType":"hvm"},"launch_encryption_by_default":false,"name_holders":[],"pull":false,"snapshots":[{"CompletionTime":"2026-10-19T11:06:40.000Z","Description":"","Encrypted":false,"OwnerId":"111111111111","Progress":"100%","SnapshotId":"snap-0a000000000000002","StartTime":"2026-10-19T11:06:40.000Z","State":"completed","StorageTier":"standard","VolumeId":"vol-0a000000000000002","VolumeSize":900}],"source_account":"111111111111","source_keys":[],"source_partition":"aws","target_account":"222222222222","target_partition":"aws","uefi_unreadable":false}');
INSERT INTO "copy_text" VALUES('cp-5cb339ed02e1','{"allow_differences":[],"route":"auto","source":{"image":"ami-0a000000000000003","profile":"from","region":"us-east-1"},"tags":{},"target":{"kms_key":"alias/amis","profile":"to","region":"eu-west-1"}}','{"allowed_images":"disabled","begun_ms":0,"encryption_by_default":false,"image":{"Architecture":"x86_64","BlockDeviceMappings":[{"DeviceName":"/dev/xvda","Ebs":{"DeleteOnTermination":true,"Encrypted":true,"SnapshotId":"snap-0a000000000000003","VolumeSize":8,"VolumeType":"gp3"}},{"DeviceName":"/dev/sdb","Ebs":{"DeleteOnTermination":true,"Encrypted":true,"SnapshotId":"snap-0a000000000000004","VolumeSize":30,"VolumeType":"gp3"}}],"BootMode":"uefi","CreationDate":"2026-10-19T11:06:40.000Z","EnaSupport":true,"Hypervisor":"xen","ImageId":"ami-0a000000000000003","ImageLocation":"111111111111/sealed","ImageType":"machine","Name":"sealed","OwnerId":"111111111111","PlatformDetails":"Linux/UNIX","Public":false,"RootDeviceName":"/dev/xvda","RootDeviceType":"ebs","State":"available","UsageOperation":"RunInstances","VirtualizationType":"hvm"},"launch_encryption_by_default":false,"name_holders":[],"pull":false,"snapshots":[{"CompletionTime":"2026-10-19T11:06:40.000Z","DataEncryptionKeyId":"4123a03b-5449-46a6-a492-974aecf8deb4","Description":"","Encrypted":true,"KmsKeyId":"arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-000000000001","OwnerId":"111111111111","Progress":"100%","SnapshotId":"snap-0a000000000000003","StartTime":"2026-10-19T11:06:40.000Z","State":"completed","StorageTier":"standard","VolumeId":"vol-0a000000000000003","VolumeSize":8},{"CompletionTime":"2026-10-19T11:06:40.000Z","DataEncryptionKeyId":"b941b791-f1d5-4e41-ad52-12598fa6b6ae","Description":"","Encrypted":true,"KmsKeyId":"arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-000000000001","OwnerId":"111111111111","Progress":"100%","SnapshotId":"snap-0a000000000000004","StartTime":"2026-10-19T11:06:40.000Z","State":"completed","StorageTier":"standard","VolumeId":"vol-0a000000000000004","VolumeSize":30}],"source_account":"111111111111","source_keys":[{"AWSAccountId":"111111111111","Arn":"arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-000000000001","CreationDate":1787224000.0,"CustomerMasterKeySpec":"SYMMETRIC_DEFAULT","Description":"","Enabled":true,"EncryptionAlgorithms":["SYMMETRIC_DEFAULT"],"KeyId":"00000000-0000-4000-8000-000000000001","KeyManager":"CUSTOMER","KeySpec":"SYMMETRIC_DEFAULT","KeyState":"Enabled","KeyUsage":"ENCRYPT_DECRYPT","MultiRegion":false,"Origin":"AWS_KMS"}],"source_partition":"aws","target_account":"222222222222","target_key":{"AWSAccountId":"222222222222","Arn":"arn:aws:kms:eu-west-1:222222222222:key/00000000-0000-4000-8000-000000000012","CreationDate":1787224000.0,"CustomerMasterKeySpec":"SYMMETRIC_DEFAULT","Description":"","Enabled":true,"EncryptionAlgorithms":["SYMMETRIC_DEFAULT"],"KeyId":"00000000-0000-4000-8000-000000000012","KeyManager":"CUSTOMER","KeySpec":"SYMMETRIC_DEFAULT","KeyState":"Enabled","KeyUsage":"ENCRYPT_DECRYPT","MultiRegion":false,"Origin":"AWS_KMS"},"target_partition":"aws","uefi_unreadable":false}');
INSERT INTO "copy_text" VALUES('cp-942e81f91fc5','{"allow_differences":[],"route":"auto","source":{"image":"ami-0a000000000000006","profile":"from","region":"us-east-1"},"tags":{},"target":{"kms_key":"alias/off","profile":"to","region":"eu-west-1"}}','{"allowed_images":"disabled","begun_ms":0,"encryption_by_default":false,"image":{"Architecture":"x86_64","BlockDeviceMappings":[{"DeviceName":"/dev/xvda","Ebs":{"DeleteOnTermination":true,"Encrypted":true,"SnapshotId":"snap-0a000000000000006","VolumeSize":6,"VolumeType":"gp3"}}],"CreationDate":"2026-10-19T11:06:40.000Z","EnaSupport":true,"Hypervisor":"xen","ImageId":"ami-0a000000000000006","ImageLocation":"111111111111/locked","ImageType":"machine","Name":"locked","OwnerId":"111111111111","PlatformDetails":"Linux/UNIX","Public":false,"RootDeviceName":"/dev/xvda","RootDeviceType":"ebs","State":"available","UsageOperation":"RunInstances","VirtualizationType":"hvm"},"launch_encryption_by_default":false,"name_holders":[],"pull":false,"snapshots":[{"CompletionTime":"2026-10-19T11:06:40.000Z","DataEncryptionKeyId":"8ac94b61-2038-45b3-a388-0f94ce987823","Description":"","Encrypted":true,"KmsKeyId":"arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-000000000001","OwnerId":"111111111111","Progress":"100%","SnapshotId":"snap-0a000000000000006","StartTime":"2026-10-19T11:06:40.000Z","State":"completed","StorageTier":"standard","VolumeId":"vol-0a000000000000006","VolumeSize":6}],"source_account":"111111111111","source_keys":[{"AWSAccountId":"111111111111","Arn":"arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-000000000001","CreationDate":1787224000.0,"CustomerMasterKeySpec":"SYMMETRIC_DEFAULT","Description":"","Enabled":true,"EncryptionAlgorithms":["SYMMETRIC_DEFAULT"],"KeyId":"00000000-0000-4000-8000-000000000001","KeyManager":"CUSTOMER","KeySpec":"SYMMETRIC_DEFAULT","KeyState":"Enabled","KeyUsage":"ENCRYPT_DECRYPT","MultiRegion":false,"Origin":"AWS_KMS"}],"source_partition":"aws","target_account":"222222222222","target_key":{"AWSAccountId":"222222222222","Arn":"arn:aws:kms:eu-west-1:222222222222:key/00000000-0000-4000-8000-000000000013","CreationDate":1787224000.0,"CustomerMasterKeySpec":"SYMMETRIC_DEFAULT","Description":"","Enabled":false,"EncryptionAlgorithms":["SYMMETRIC_DEFAULT"],"KeyId":"00000000-0000-4000-8000-000000000013","KeyManager":"CUSTOMER","KeySpec":"SYMMETRIC_DEFAULT","KeyState":"Disabled","KeyUsage":"ENCRYPT_DECRYPT","MultiRegion":false,"Origin":"AWS_KMS"},"target_partition":"aws","uefi_unreadable":false}');
INSERT INTO "copy_text" VALUES('cp-789a7684ccf8','{"allow_differences":[],"route":"auto","source":{"image":"ami-0a00000000000dead","profile":"from","region":"us-east-1"},"tags":{},"target":{"profile":"to","region":"eu-west-1"}}',NULL);
INSERT INTO "copy_text" VALUES('cp-5e71f8e6d5c0','{"allow_differences":[],"route":"auto","source":{"image":"ami-0a000000000000005","profile":"from","region":"us-east-1"},"tags":{},"target":{"profile":"to","region":"eu-west-1"}}',NULL);
INSERT INTO "copy_text" VALUES('cp-4d9304b192b9','{"allow_differences":[],"route":"auto","source":{"image":"ami-0a000000000000003","profile":"from","region":"us-east-1"},"tags":{},"target":{"kms_key":"alias/amis","profile":"to","region":"us-east-1"}}',NULL);
CREATE TABLE effect (          -- something a step made or changed in AWS
  copy_id  TEXT NOT NULL,      -- whose it is
  step     INTEGER NOT NULL,   -- ordinal of the step that made it
  kind     TEXT NOT NULL,      -- "image", "snapshot", "grant", "createVolumePermission"...
  account  TEXT NOT NULL,      -- where it is
  region   TEXT NOT NULL,      -- where it is
  resource TEXT NOT NULL,      -- id or ARN
  state    TEXT NOT NULL CHECK (state IN ('live', 'gone')), -- gone: deleted or closed again
  PRIMARY KEY (copy_id, kind, resource),
  FOREIGN KEY (copy_id, step) REFERENCES step (copy_id, ordinal)
) STRICT, WITHOUT ROWID;
INSERT INTO "effect" VALUES('cp-5cb339ed02e1',4,'snapshot','222222222222','eu-west-1','snap-042e81f91fc574487','live');
INSERT INTO "effect" VALUES('cp-5cb339ed02e1',3,'snapshot','222222222222','eu-west-1','snap-0b5f73279ff5f9ff3','live');
INSERT INTO "effect" VALUES('cp-cd4262d4a511',2,'image','222222222222','eu-west-1','ami-06fc45ac87155d94c','live');
INSERT INTO "effect" VALUES('cp-eabbbb0fcc1b',2,'image','222222222222','eu-west-1','ami-03aa46a8a1ceef088','live');
CREATE TABLE event (           -- what happened to a copy, in order, for ever
  copy_id    TEXT NOT NULL REFERENCES copy (id), -- to which it happened
  number     INTEGER NOT NULL CHECK (number >= 1), -- 1, 2, 3... without a gap: the copy's revision
  at_ms      INTEGER NOT NULL, -- when, by the wall clock
  step       INTEGER NOT NULL CHECK (step >= -1),  -- ordinal; -1: about the copy itself
  kind       TEXT NOT NULL,    -- "state", "intent", "outcome", "route", "note"...
  from_state TEXT,             -- of the copy, or of the step as "do/idle"; NULL where it begins here
  to_state   TEXT,             -- the state after it, in the same form
  message    TEXT,             -- one line for a person
  action     TEXT,             -- API, as "ec2:CopyImage"
  request_id TEXT,             -- AWS's
  detail     TEXT,             -- JSON
  PRIMARY KEY (copy_id, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "event" VALUES('cp-4d9304b192b9',1,1795000195020,-1,'state',NULL,'waiting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',1,1795000000000,-1,'state',NULL,'waiting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',2,1795000000000,-1,'state','waiting','inspecting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',3,1795000000200,-1,'facts','inspecting','inspecting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',4,1795000000200,0,'planned',NULL,'do/idle','arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-000000000001',NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',5,1795000000200,1,'planned',NULL,'do/idle','snap-0a000000000000003',NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',6,1795000000200,2,'planned',NULL,'do/idle','snap-0a000000000000004',NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',7,1795000000200,3,'planned',NULL,'do/idle','snap-0a000000000000003',NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',8,1795000000200,4,'planned',NULL,'do/idle','snap-0a000000000000004',NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',9,1795000000200,5,'planned',NULL,'do/idle',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',10,1795000000200,6,'planned',NULL,'do/idle',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',11,1795000000200,-1,'route','inspecting','working','shared by 111111111111, encrypted under a customer key: each snapshot is copied under the target''s key, and an image is registered from the copies',NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',12,1795000000200,0,'intent','do/idle','do/intended',NULL,'kms:CreateGrant',NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',13,1795000000220,0,'outcome','do/intended','do/pending','62c2850a536b73433d371ab26cc8c3ee17d497913549070769016f477b018655','kms:CreateGrant','d8436275-9a44-4df7-bfb4-0e20feb3c2df',NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',14,1795000015040,0,'outcome','do/pending','do/done',NULL,'kms:GenerateDataKeyWithoutPlaintext','21b347b3-1851-42dd-b34a-bec6b8e50211',NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',15,1795000015060,1,'intent','do/idle','do/intended',NULL,'ec2:ModifySnapshotAttribute',NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',16,1795000015060,2,'intent','do/idle','do/intended',NULL,'ec2:ModifySnapshotAttribute',NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',17,1795000015080,1,'outcome','do/intended','do/done','snap-0a000000000000003','ec2:ModifySnapshotAttribute','5c3fd8ee-8cf8-442d-b061-13da00be19cf',NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',18,1795000015080,2,'outcome','do/intended','do/done','snap-0a000000000000004','ec2:ModifySnapshotAttribute','395ab5e7-fca7-47f8-b141-e43100d062d6',NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',19,1795000015080,3,'intent','do/idle','do/intended',NULL,'ec2:CopySnapshot',NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',20,1795000015080,4,'intent','do/idle','do/intended',NULL,'ec2:CopySnapshot',NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',21,1795000015100,3,'repeat','do/intended','do/idle','The snapshot ''snap-0a000000000000003'' does not exist.','ec2:CopySnapshot','c53ce4dd-80d5-4e48-b516-00afb628546b','{"class":"not-yet-visible","code":"InvalidSnapshot.NotFound","http_status":400,"request_id":"c53ce4dd-80d5-4e48-b516-00afb628546b","account":"222222222222","region":"eu-west-1","action":"ec2:CopySnapshot","resource":"","message":"The snapshot ''snap-0a000000000000003'' does not exist.","hint":"The snapshot is not visible to this account: it was deleted, it is not shared, or it is too new to be seen everywhere."}');
INSERT INTO "event" VALUES('cp-5cb339ed02e1',22,1795000015100,4,'repeat','do/intended','do/idle','The snapshot ''snap-0a000000000000004'' does not exist.','ec2:CopySnapshot','f9343b89-ec9b-4db0-b646-8c805983247e','{"class":"not-yet-visible","code":"InvalidSnapshot.NotFound","http_status":400,"request_id":"f9343b89-ec9b-4db0-b646-8c805983247e","account":"222222222222","region":"eu-west-1","action":"ec2:CopySnapshot","resource":"","message":"The snapshot ''snap-0a000000000000004'' does not exist.","hint":"The snapshot is not visible to this account: it was deleted, it is not shared, or it is too new to be seen everywhere."}');
INSERT INTO "event" VALUES('cp-5cb339ed02e1',23,1795000017601,3,'intent','do/idle','do/intended',NULL,'ec2:CopySnapshot',NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',24,1795000017621,3,'repeat','do/intended','do/idle','The snapshot ''snap-0a000000000000003'' does not exist.','ec2:CopySnapshot','b6172d68-d689-4a78-b83f-5ee8bf712682','{"class":"not-yet-visible","code":"InvalidSnapshot.NotFound","http_status":400,"request_id":"b6172d68-d689-4a78-b83f-5ee8bf712682","account":"222222222222","region":"eu-west-1","action":"ec2:CopySnapshot","resource":"","message":"The snapshot ''snap-0a000000000000003'' does not exist.","hint":"The snapshot is not visible to this account: it was deleted, it is not shared, or it is too new to be seen everywhere."}');
INSERT INTO "event" VALUES('cp-5cb339ed02e1',25,1795000017807,4,'intent','do/idle','do/intended',NULL,'ec2:CopySnapshot',NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',26,1795000017827,4,'repeat','do/intended','do/idle','The snapshot ''snap-0a000000000000004'' does not exist.','ec2:CopySnapshot','b8fea20b-fcd2-4f9b-bbb8-42ab3f7b6d0b','{"class":"not-yet-visible","code":"InvalidSnapshot.NotFound","http_status":400,"request_id":"b8fea20b-fcd2-4f9b-bbb8-42ab3f7b6d0b","account":"222222222222","region":"eu-west-1","action":"ec2:CopySnapshot","resource":"","message":"The snapshot ''snap-0a000000000000004'' does not exist.","hint":"The snapshot is not visible to this account: it was deleted, it is not shared, or it is too new to be seen everywhere."}');
INSERT INTO "event" VALUES('cp-5cb339ed02e1',27,1795000023210,4,'intent','do/idle','do/intended',NULL,'ec2:CopySnapshot',NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',28,1795000023230,4,'outcome','do/intended','do/pending','snap-042e81f91fc574487','ec2:CopySnapshot','b479e6d9-0725-4ded-bae1-0a5f2f6f740c',NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',29,1795000024062,3,'intent','do/idle','do/intended',NULL,'ec2:CopySnapshot',NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',30,1795000024082,3,'outcome','do/intended','do/pending','snap-0b5f73279ff5f9ff3','ec2:CopySnapshot','38e1c9b0-606a-4884-b3b2-093db061ff32',NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',31,1795000040020,3,'progress','do/pending','do/pending',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',32,1795000050020,3,'progress','do/pending','do/pending',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',33,1795000050020,4,'progress','do/pending','do/pending',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',34,1795000060020,3,'progress','do/pending','do/pending',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',35,1795000060020,4,'progress','do/pending','do/pending',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',36,1795000070020,3,'progress','do/pending','do/pending',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',37,1795000080020,3,'outcome','do/pending','do/done',NULL,'ec2:DescribeSnapshots','6b7da330-5405-4d07-b0b2-628a80a0bc8e',NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',38,1795000080020,4,'progress','do/pending','do/pending',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',39,1795000090020,4,'progress','do/pending','do/pending',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',40,1795000100020,4,'progress','do/pending','do/pending',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',41,1795000120020,4,'progress','do/pending','do/pending',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',42,1795000145020,4,'progress','do/pending','do/pending',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',43,1795000160020,4,'progress','do/pending','do/pending',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',44,1795000175020,4,'progress','do/pending','do/pending',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',45,1795000195020,4,'outcome','do/pending','do/done',NULL,'ec2:DescribeSnapshots','9e05bdbf-af9c-4713-b2bf-c79ffcb6bf2c',NULL);
INSERT INTO "event" VALUES('cp-5cb339ed02e1',46,1795000195020,5,'intent','do/idle','do/intended',NULL,'ec2:RegisterImage',NULL,NULL);
INSERT INTO "event" VALUES('cp-5e71f8e6d5c0',1,1795000195020,-1,'state',NULL,'waiting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-789a7684ccf8',1,1795000000000,-1,'state',NULL,'waiting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-789a7684ccf8',2,1795000000000,-1,'state','waiting','inspecting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-789a7684ccf8',3,1795000000100,-1,'state','inspecting','failed','The image id ''[ami-0a00000000000dead]'' does not exist',NULL,'d17ccf5b-eceb-4ed1-b07a-d07f69169c4d','{"class":"not-yet-visible","code":"InvalidAMIID.NotFound","http_status":400,"request_id":"d17ccf5b-eceb-4ed1-b07a-d07f69169c4d","account":"111111111111","region":"us-east-1","action":"ec2:DescribeImages","resource":"ami-0a00000000000dead","message":"The image id ''[ami-0a00000000000dead]'' does not exist","hint":"The image is not visible to this account: it is not shared with it, it was deregistered, it is too new to be seen everywhere, or the account''s Allowed AMIs setting hides it (EC2 console, Allowed AMIs)."}');
INSERT INTO "event" VALUES('cp-942e81f91fc5',1,1795000000000,-1,'state',NULL,'waiting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-942e81f91fc5',2,1795000000000,-1,'state','waiting','inspecting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-942e81f91fc5',3,1795000000200,-1,'facts','inspecting','inspecting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-942e81f91fc5',4,1795000000200,-1,'state','inspecting','blocked','the target key alias/off is not enabled but Disabled',NULL,NULL,'{"class":"auth","code":"TargetKeyNotEnabled","http_status":0,"request_id":"","account":"222222222222","region":"eu-west-1","action":"kms:DescribeKey","resource":"arn:aws:kms:eu-west-1:222222222222:key/00000000-0000-4000-8000-000000000013","message":"the target key alias/off is not enabled but Disabled","hint":"enable the key (EnableKey), then retry"}');
INSERT INTO "event" VALUES('cp-cd4262d4a511',1,1795000000000,-1,'state',NULL,'waiting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',2,1795000000000,-1,'state','waiting','inspecting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',3,1795000000200,-1,'facts','inspecting','inspecting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',4,1795000000200,0,'planned',NULL,'do/idle','snap-0a000000000000001',NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',5,1795000000200,1,'planned',NULL,'do/idle',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',6,1795000000200,2,'planned',NULL,'do/idle',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',7,1795000000200,3,'planned',NULL,'do/idle',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',8,1795000000200,-1,'route','inspecting','working','shared by 111111111111, not encrypted: its storage is shared with the target, which copies it with CopyImage',NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',9,1795000000220,0,'intent','do/idle','do/intended',NULL,'ec2:ModifySnapshotAttribute',NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',10,1795000000240,0,'outcome','do/intended','do/done','snap-0a000000000000001','ec2:ModifySnapshotAttribute','b9160883-1d36-4d5a-b03f-9e11c3ad473a',NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',11,1795000000260,1,'intent','do/idle','do/intended',NULL,'ec2:ModifyImageAttribute',NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',12,1795000000280,1,'outcome','do/intended','do/done','ami-0a000000000000001','ec2:ModifyImageAttribute','1f2892cc-f393-447f-bf23-0f43b868786e',NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',13,1795000000280,2,'intent','do/idle','do/intended',NULL,'ec2:CopyImage',NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',14,1795000000300,2,'repeat','do/intended','do/idle','The image id ''[ami-0a000000000000001]'' does not exist','ec2:CopyImage','58fef7b4-7b10-4a9e-bc77-748a7bdc7d48','{"class":"not-yet-visible","code":"InvalidAMIID.NotFound","http_status":400,"request_id":"58fef7b4-7b10-4a9e-bc77-748a7bdc7d48","account":"222222222222","region":"eu-west-1","action":"ec2:CopyImage","resource":"","message":"The image id ''[ami-0a000000000000001]'' does not exist","hint":"The image is not visible to this account: it is not shared with it, it was deregistered, it is too new to be seen everywhere, or the account''s Allowed AMIs setting hides it (EC2 console, Allowed AMIs)."}');
INSERT INTO "event" VALUES('cp-cd4262d4a511',15,1795000003917,2,'intent','do/idle','do/intended',NULL,'ec2:CopyImage',NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',16,1795000003937,2,'repeat','do/intended','do/idle','The image id ''[ami-0a000000000000001]'' does not exist','ec2:CopyImage','9f24ff92-ee5d-4d4f-b5f6-0435991632df','{"class":"not-yet-visible","code":"InvalidAMIID.NotFound","http_status":400,"request_id":"9f24ff92-ee5d-4d4f-b5f6-0435991632df","account":"222222222222","region":"eu-west-1","action":"ec2:CopyImage","resource":"","message":"The image id ''[ami-0a000000000000001]'' does not exist","hint":"The image is not visible to this account: it is not shared with it, it was deregistered, it is too new to be seen everywhere, or the account''s Allowed AMIs setting hides it (EC2 console, Allowed AMIs)."}');
INSERT INTO "event" VALUES('cp-cd4262d4a511',17,1795000008222,2,'intent','do/idle','do/intended',NULL,'ec2:CopyImage',NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',18,1795000008242,2,'outcome','do/intended','do/pending','ami-06fc45ac87155d94c','ec2:CopyImage','253e347d-2bd5-48dc-b55f-aa834cf922cf',NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',19,1795000015020,2,'progress','do/pending','do/pending',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',20,1795000025020,2,'outcome','do/pending','do/done',NULL,'ec2:DescribeImages','121ee8e7-03fa-4c24-b1f2-806f5031d910',NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',21,1795000025060,3,'outcome','do/idle','do/done',NULL,'ec2:DescribeSnapshots','1205dd6f-8851-4101-b274-ad864c642a9a',NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',22,1795000025060,-1,'goal','working','undoing','all is there: taking back what was borrowed',NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',23,1795000025060,1,'undo','do/done','undo/idle',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',24,1795000025060,1,'intent','undo/idle','undo/intended',NULL,'ec2:ModifyImageAttribute',NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',25,1795000025080,1,'outcome','undo/intended','undo/done','ami-0a000000000000001','ec2:ModifyImageAttribute','a37c2cbf-a596-4131-b989-0dfc57e8c555',NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',26,1795000025080,0,'undo','do/done','undo/idle',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',27,1795000025080,0,'intent','undo/idle','undo/intended',NULL,'ec2:ModifySnapshotAttribute',NULL,NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',28,1795000025100,0,'outcome','undo/intended','undo/done','snap-0a000000000000001','ec2:ModifySnapshotAttribute','4d3edbba-4619-471b-b963-06b067adc85a',NULL);
INSERT INTO "event" VALUES('cp-cd4262d4a511',29,1795000025100,-1,'state','undoing','done','done',NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',1,1795000000000,-1,'state',NULL,'waiting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',2,1795000000000,-1,'state','waiting','inspecting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',3,1795000000200,-1,'facts','inspecting','inspecting',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',4,1795000000200,0,'planned',NULL,'do/idle','snap-0a000000000000002',NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',5,1795000000200,1,'planned',NULL,'do/idle',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',6,1795000000200,2,'planned',NULL,'do/idle',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',7,1795000000200,3,'planned',NULL,'do/idle',NULL,NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',8,1795000000200,-1,'route','inspecting','working','shared by 111111111111, not encrypted: its storage is shared with the target, which copies it with CopyImage',NULL,NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',9,1795000000220,0,'intent','do/idle','do/intended',NULL,'ec2:ModifySnapshotAttribute',NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',10,1795000000240,0,'outcome','do/intended','do/done','snap-0a000000000000002','ec2:ModifySnapshotAttribute','858a829d-c1b9-4d97-b8d3-df429df5fe6e',NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',11,1795000000260,1,'intent','do/idle','do/intended',NULL,'ec2:ModifyImageAttribute',NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',12,1795000000280,1,'outcome','do/intended','do/done','ami-0a000000000000002','ec2:ModifyImageAttribute','365364ee-c61a-483b-bb3a-2ba404baa9c3',NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',13,1795000000280,2,'intent','do/idle','do/intended',NULL,'ec2:CopyImage',NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',14,1795000000300,2,'repeat','do/intended','do/idle','The image id ''[ami-0a000000000000002]'' does not exist','ec2:CopyImage','d3bf12f9-c1a6-4c82-b1f5-74dade7970d0','{"class":"not-yet-visible","code":"InvalidAMIID.NotFound","http_status":400,"request_id":"d3bf12f9-c1a6-4c82-b1f5-74dade7970d0","account":"222222222222","region":"eu-west-1","action":"ec2:CopyImage","resource":"","message":"The image id ''[ami-0a000000000000002]'' does not exist","hint":"The image is not visible to this account: it is not shared with it, it was deregistered, it is too new to be seen everywhere, or the account''s Allowed AMIs setting hides it (EC2 console, Allowed AMIs)."}');
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',15,1795000003307,2,'intent','do/idle','do/intended',NULL,'ec2:CopyImage',NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',16,1795000003327,2,'repeat','do/intended','do/idle','The image id ''[ami-0a000000000000002]'' does not exist','ec2:CopyImage','375baac6-527f-4503-b6a8-25091eb1ab5d','{"class":"not-yet-visible","code":"InvalidAMIID.NotFound","http_status":400,"request_id":"375baac6-527f-4503-b6a8-25091eb1ab5d","account":"222222222222","region":"eu-west-1","action":"ec2:CopyImage","resource":"","message":"The image id ''[ami-0a000000000000002]'' does not exist","hint":"The image is not visible to this account: it is not shared with it, it was deregistered, it is too new to be seen everywhere, or the account''s Allowed AMIs setting hides it (EC2 console, Allowed AMIs)."}');
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',17,1795000007502,2,'intent','do/idle','do/intended',NULL,'ec2:CopyImage',NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',18,1795000007522,2,'repeat','do/intended','do/idle','The image id ''[ami-0a000000000000002]'' does not exist','ec2:CopyImage','42ed0a25-8d2e-4aef-b4f1-3e80751b9e33','{"class":"not-yet-visible","code":"InvalidAMIID.NotFound","http_status":400,"request_id":"42ed0a25-8d2e-4aef-b4f1-3e80751b9e33","account":"222222222222","region":"eu-west-1","action":"ec2:CopyImage","resource":"","message":"The image id ''[ami-0a000000000000002]'' does not exist","hint":"The image is not visible to this account: it is not shared with it, it was deregistered, it is too new to be seen everywhere, or the account''s Allowed AMIs setting hides it (EC2 console, Allowed AMIs)."}');
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',19,1795000023501,2,'intent','do/idle','do/intended',NULL,'ec2:CopyImage',NULL,NULL);
INSERT INTO "event" VALUES('cp-eabbbb0fcc1b',20,1795000023521,2,'outcome','do/intended','do/pending','ami-03aa46a8a1ceef088','ec2:CopyImage','b57bd051-161f-472a-b3c0-7dd31a4b8427',NULL);
CREATE TABLE exposure (        -- an access that was opened, or was open before us
  id         INTEGER PRIMARY KEY, -- ours
  kind       TEXT NOT NULL,    -- "createVolumePermission", "launchPermission", "grant"
  account    TEXT NOT NULL,    -- that owns the resource
  region     TEXT NOT NULL,    -- of the resource
  resource   TEXT NOT NULL,    -- snapshot id, AMI id, key ARN
  grantee    TEXT NOT NULL,    -- account id or ARN
  state      TEXT NOT NULL CHECK (state IN ('closed', 'opening', 'open', 'closing')), -- through us
  borrowed   INTEGER NOT NULL CHECK (borrowed IN (0, 1)), -- 1: we opened it and close it; 0: it was there and stays
  generation INTEGER NOT NULL, -- counts up each time it is opened anew
  detail     TEXT,             -- the grant's id
  revision   INTEGER NOT NULL CHECK (revision >= 1), -- counts its changes
  UNIQUE (resource, grantee, kind, account, region)
) STRICT;
INSERT INTO "exposure" VALUES(1,'createVolumePermission','111111111111','us-east-1','snap-0a000000000000001','222222222222','closed',0,1,'1795000025100',5);
INSERT INTO "exposure" VALUES(2,'createVolumePermission','111111111111','us-east-1','snap-0a000000000000002','222222222222','open',1,1,NULL,3);
INSERT INTO "exposure" VALUES(3,'grant','111111111111','us-east-1','arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-000000000001','222222222222 for cp-5cb339ed02e1','open',1,1,'62c2850a536b73433d371ab26cc8c3ee17d497913549070769016f477b018655',4);
INSERT INTO "exposure" VALUES(4,'launchPermission','111111111111','us-east-1','ami-0a000000000000002','222222222222','open',1,1,NULL,3);
INSERT INTO "exposure" VALUES(5,'launchPermission','111111111111','us-east-1','ami-0a000000000000001','222222222222','closed',0,1,'1795000025080',5);
INSERT INTO "exposure" VALUES(6,'createVolumePermission','111111111111','us-east-1','snap-0a000000000000003','222222222222','open',1,1,NULL,3);
INSERT INTO "exposure" VALUES(7,'createVolumePermission','111111111111','us-east-1','snap-0a000000000000004','222222222222','open',1,1,NULL,3);
CREATE TABLE holder (          -- which copies need an exposure; the last one to go closes it
  exposure_id INTEGER NOT NULL REFERENCES exposure (id), -- what is needed
  copy_id     TEXT NOT NULL REFERENCES copy (id),        -- by whom
  PRIMARY KEY (exposure_id, copy_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "holder" VALUES(2,'cp-eabbbb0fcc1b');
INSERT INTO "holder" VALUES(3,'cp-5cb339ed02e1');
INSERT INTO "holder" VALUES(4,'cp-eabbbb0fcc1b');
INSERT INTO "holder" VALUES(6,'cp-5cb339ed02e1');
INSERT INTO "holder" VALUES(7,'cp-5cb339ed02e1');
CREATE TABLE step (            -- a unit of work; one row an item
  copy_id    TEXT NOT NULL REFERENCES copy (id), -- whose it is
  ordinal    INTEGER NOT NULL CHECK (ordinal >= 0), -- which of its steps, from 0
  kind       TEXT NOT NULL,    -- "copy-snapshot": a row of the engine's table of steps
  item       TEXT NOT NULL,    -- what it is about: a source snapshot, a key; '' where there is only one such step
  stage      INTEGER NOT NULL, -- steps of one stage run side by side; stages run in order
  face       TEXT NOT NULL CHECK (face IN ('do', 'undo')), -- forward or back
  -- intended: a call is about to be sent; ambiguous: its outcome is unknown; pending: AWS is at work
  state      TEXT NOT NULL CHECK (state IN ('idle', 'intended', 'ambiguous', 'pending', 'done')),
  generation INTEGER NOT NULL, -- counts up when an effect is given up and made anew
  attempts   INTEGER NOT NULL, -- calls sent in this generation and face
  resource   TEXT,             -- what it made: an id; NULL until then
  intent     TEXT,             -- the API of the committed intent; NULL where there is none
  intent_ms  INTEGER NOT NULL, -- when the last one was committed, or found to have lost its outcome; 0 before the first
  started_ms INTEGER NOT NULL, -- when this face was first acted on; 0 before
  next_ms    INTEGER NOT NULL, -- not to be touched before
  progress   INTEGER NOT NULL, -- percent
  data       TEXT,             -- JSON object of the step's own
  error      TEXT,             -- JSON: the last error
  PRIMARY KEY (copy_id, ordinal)
) STRICT, WITHOUT ROWID;
INSERT INTO "step" VALUES('cp-5cb339ed02e1',0,'grant-key','arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-000000000001',0,'do','done',0,1,'62c2850a536b73433d371ab26cc8c3ee17d497913549070769016f477b018655',NULL,1795000000200,1795000000200,0,100,NULL,NULL);
INSERT INTO "step" VALUES('cp-5cb339ed02e1',1,'share-snapshot','snap-0a000000000000003',1,'do','done',0,1,'snap-0a000000000000003',NULL,1795000015060,1795000015040,0,100,NULL,NULL);
INSERT INTO "step" VALUES('cp-5cb339ed02e1',2,'share-snapshot','snap-0a000000000000004',1,'do','done',0,1,'snap-0a000000000000004',NULL,1795000015060,1795000015040,0,100,NULL,NULL);
INSERT INTO "step" VALUES('cp-5cb339ed02e1',3,'copy-snapshot','snap-0a000000000000003',2,'do','done',0,3,'snap-0b5f73279ff5f9ff3',NULL,1795000024062,1795000015080,0,100,NULL,NULL);
INSERT INTO "step" VALUES('cp-5cb339ed02e1',4,'copy-snapshot','snap-0a000000000000004',2,'do','done',0,3,'snap-042e81f91fc574487',NULL,1795000023210,1795000015080,0,100,NULL,NULL);
INSERT INTO "step" VALUES('cp-5cb339ed02e1',5,'register-image','',3,'do','intended',0,1,NULL,'ec2:RegisterImage',1795000195020,1795000195020,0,0,NULL,NULL);
INSERT INTO "step" VALUES('cp-5cb339ed02e1',6,'verify','',4,'do','idle',0,0,NULL,NULL,0,0,0,0,NULL,NULL);
INSERT INTO "step" VALUES('cp-cd4262d4a511',0,'share-snapshot','snap-0a000000000000001',1,'undo','done',0,1,NULL,NULL,1795000025080,1795000025080,0,100,NULL,NULL);
INSERT INTO "step" VALUES('cp-cd4262d4a511',1,'share-image','',2,'undo','done',0,1,NULL,NULL,1795000025060,1795000025060,0,100,NULL,NULL);
INSERT INTO "step" VALUES('cp-cd4262d4a511',2,'copy-image','',3,'do','done',0,3,'ami-06fc45ac87155d94c',NULL,1795000008222,1795000000280,0,100,NULL,NULL);
INSERT INTO "step" VALUES('cp-cd4262d4a511',3,'verify','',4,'do','done',0,0,NULL,NULL,0,1795000025020,0,100,NULL,NULL);
INSERT INTO "step" VALUES('cp-eabbbb0fcc1b',0,'share-snapshot','snap-0a000000000000002',1,'do','done',0,1,'snap-0a000000000000002',NULL,1795000000220,1795000000200,0,100,NULL,NULL);
INSERT INTO "step" VALUES('cp-eabbbb0fcc1b',1,'share-image','',2,'do','done',0,1,'ami-0a000000000000002',NULL,1795000000260,1795000000240,0,100,NULL,NULL);
INSERT INTO "step" VALUES('cp-eabbbb0fcc1b',2,'copy-image','',3,'do','pending',0,4,'ami-03aa46a8a1ceef088',NULL,1795000023501,1795000000280,1795000030000,0,NULL,NULL);
INSERT INTO "step" VALUES('cp-eabbbb0fcc1b',3,'verify','',4,'do','idle',0,0,NULL,NULL,0,0,0,0,NULL,NULL);
CREATE INDEX batch_by_digest ON batch (manifest_digest, created_ms);
CREATE UNIQUE INDEX copy_live_key ON copy (key) WHERE state NOT IN ('done', 'failed', 'cancelled');
CREATE INDEX copy_live ON copy (batch_id) WHERE state NOT IN ('done', 'failed', 'cancelled');
CREATE INDEX copy_by_batch ON copy (batch_id, position);
CREATE TRIGGER event_stays BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER event_remains BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE INDEX exposure_open ON exposure (id) WHERE borrowed = 1 AND state <> 'closed';
COMMIT;
