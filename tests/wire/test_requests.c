/* The exact bytes of each request that amiferry sends. */
#include "engine/aws/codec.h"
#include "engine/aws/ops.h"
#include "tests/wire/model.h"
#include "tests/wire/vectors.h"

struct request {
  const char *sentence;
  const struct af_op *op;
  const char *input; /* JSON, with ' for " */
  const char *body;  /* the same */
};

static const struct request requests[] = {
    {"a copy carries its token, its key and its tags", &af_ec2_copy_image,
     "{'SourceImageId': 'ami-1', 'SourceRegion': 'us-east-1', 'Name': 'golden (1/2)', 'ClientToken': 'af-0a1b', 'Encrypted': true,"
     " 'KmsKeyId': 'arn:aws:kms:eu-west-1:222222222222:key/k-1', 'Description': 'Größe', 'CopyImageTags': false,"
     " 'TagSpecifications': [{'ResourceType': 'image', 'Tags': [{'Key': 'amiferry:copy', 'Value': 'c-1'}, {'Key': 'a', 'Value': ''}]},"
     " {'ResourceType': 'snapshot', 'Tags': [{'Key': 'amiferry:copy', 'Value': 'c-1'}]}]}",
     "Action=CopyImage&Version=2016-11-15&ClientToken=af-0a1b&CopyImageTags=false&Description=Gr%C3%B6%C3%9Fe&Encrypted=true"
     "&KmsKeyId=arn%3Aaws%3Akms%3Aeu-west-1%3A222222222222%3Akey%2Fk-1&Name=golden%20%281%2F2%29&SourceImageId=ami-1"
     "&SourceRegion=us-east-1&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=amiferry%3Acopy"
     "&TagSpecification.1.Tag.1.Value=c-1&TagSpecification.1.Tag.2.Key=a&TagSpecification.1.Tag.2.Value="
     "&TagSpecification.2.ResourceType=snapshot&TagSpecification.2.Tag.1.Key=amiferry%3Acopy&TagSpecification.2.Tag.1.Value=c-1"},
    {"members go out in the order of the table, not of the input", &af_ec2_copy_image,
     "{'SourceRegion': 'r', 'Name': 'n-1', 'SourceImageId': 'ami-1', 'DryRun': true}",
     "Action=CopyImage&Version=2016-11-15&DryRun=true&Name=n-1&SourceImageId=ami-1&SourceRegion=r"},
    {"a time-based copy says its minutes", &af_ec2_copy_image,
     "{'SourceRegion': 'r', 'Name': 'n-1', 'SourceImageId': 'ami-1', 'SnapshotCopyCompletionDurationMinutes': 15}",
     "Action=CopyImage&Version=2016-11-15&Name=n-1&SnapshotCopyCompletionDurationMinutes=15&SourceImageId=ami-1&SourceRegion=r"},
    {"what is null is not sent", &af_ec2_copy_image,
     "{'SourceRegion': 'r', 'Name': 'n-1', 'SourceImageId': 'ami-1', 'Description': null}",
     "Action=CopyImage&Version=2016-11-15&Name=n-1&SourceImageId=ami-1&SourceRegion=r"},
    {"a snapshot's copy carries the presigned URL of itself", &af_ec2_copy_snapshot,
     "{'SourceRegion': 'us-east-1', 'SourceSnapshotId': 'snap-1', 'DestinationRegion': 'eu-west-1', 'Encrypted': true,"
     " 'KmsKeyId': 'k', 'Description': 'd', 'PresignedUrl': 'https://ec2.us-east-1.amazonaws.com/?Action=CopySnapshot&X-Amz-Signature=0f',"
     " 'TagSpecifications': [{'ResourceType': 'snapshot', 'Tags': [{'Key': 'k', 'Value': 'v'}]}], 'CompletionDurationMinutes': 30}",
     "Action=CopySnapshot&Version=2016-11-15&CompletionDurationMinutes=30&Description=d&DestinationRegion=eu-west-1&Encrypted=true"
     "&KmsKeyId=k&PresignedUrl=https%3A%2F%2Fec2.us-east-1.amazonaws.com%2F%3FAction%3DCopySnapshot%26X-Amz-Signature%3D0f"
     "&SourceRegion=us-east-1&SourceSnapshotId=snap-1&TagSpecification.1.ResourceType=snapshot&TagSpecification.1.Tag.1.Key=k"
     "&TagSpecification.1.Tag.1.Value=v"},
    {"a snapshot is deleted by its id", &af_ec2_delete_snapshot, "{'SnapshotId': 'snap-1'}",
     "Action=DeleteSnapshot&Version=2016-11-15&SnapshotId=snap-1"},
    {"an image is deregistered with its snapshots", &af_ec2_deregister_image, "{'ImageId': 'ami-1', 'DeleteAssociatedSnapshots': true}",
     "Action=DeregisterImage&Version=2016-11-15&DeleteAssociatedSnapshots=true&ImageId=ami-1"},
    {"one attribute of an image is asked for at a time", &af_ec2_describe_image_attribute, "{'ImageId': 'ami-1', 'Attribute': 'uefiData'}",
     "Action=DescribeImageAttribute&Version=2016-11-15&Attribute=uefiData&ImageId=ami-1"},
    {"images are described by ids", &af_ec2_describe_images,
     "{'ImageIds': ['ami-1', 'ami-2'], 'IncludeDeprecated': true, 'IncludeDisabled': true}",
     "Action=DescribeImages&Version=2016-11-15&ImageId.1=ami-1&ImageId.2=ami-2&IncludeDeprecated=true&IncludeDisabled=true"},
    {"images are described by filters, owners and pages", &af_ec2_describe_images,
     "{'Filters': [{'Name': 'tag:amiferry:copy', 'Values': ['c-1', 'c-*']}, {'Name': 'state', 'Values': ['pending']}],"
     " 'Owners': ['self'], 'ExecutableUsers': ['111111111111'], 'MaxResults': 1000, 'NextToken': 'a+b/c='}",
     "Action=DescribeImages&Version=2016-11-15&ExecutableBy.1=111111111111&Filter.1.Name=tag%3Aamiferry%3Acopy&Filter.1.Value.1=c-1"
     "&Filter.1.Value.2=c-%2A&Filter.2.Name=state&Filter.2.Value.1=pending&MaxResults=1000&NextToken=a%2Bb%2Fc%3D&Owner.1=self"},
    {"regions are listed whether enabled or not", &af_ec2_describe_regions, "{'AllRegions': true, 'RegionNames': ['eu-west-1']}",
     "Action=DescribeRegions&Version=2016-11-15&AllRegions=true&RegionName.1=eu-west-1"},
    {"one attribute of a snapshot is asked for at a time", &af_ec2_describe_snapshot_attribute,
     "{'SnapshotId': 'snap-1', 'Attribute': 'createVolumePermission'}",
     "Action=DescribeSnapshotAttribute&Version=2016-11-15&Attribute=createVolumePermission&SnapshotId=snap-1"},
    {"snapshots are described by ids", &af_ec2_describe_snapshots, "{'SnapshotIds': ['snap-1', 'snap-2', 'snap-3']}",
     "Action=DescribeSnapshots&Version=2016-11-15&SnapshotId.1=snap-1&SnapshotId.2=snap-2&SnapshotId.3=snap-3"},
    {"snapshots are described by filters and owners", &af_ec2_describe_snapshots,
     "{'OwnerIds': ['self'], 'RestorableByUserIds': ['self'], 'Filters': [{'Name': 'status', 'Values': ['error']}], 'NextToken': 't'}",
     "Action=DescribeSnapshots&Version=2016-11-15&Filter.1.Name=status&Filter.1.Value.1=error&NextToken=t&Owner.1=self&RestorableBy.1=self"},
    {"the allowed images setting needs no parameter", &af_ec2_get_allowed_images_settings, "{}",
     "Action=GetAllowedImagesSettings&Version=2016-11-15"},
    {"encryption by default needs no parameter", &af_ec2_get_ebs_encryption_by_default, "{}",
     "Action=GetEbsEncryptionByDefault&Version=2016-11-15"},
    {"a launch permission is added", &af_ec2_modify_image_attribute,
     "{'ImageId': 'ami-1', 'LaunchPermission': {'Add': [{'UserId': '222222222222'}]}}",
     "Action=ModifyImageAttribute&Version=2016-11-15&ImageId=ami-1&LaunchPermission.Add.1.UserId=222222222222"},
    {"a launch permission is taken back", &af_ec2_modify_image_attribute,
     "{'ImageId': 'ami-1', 'LaunchPermission': {'Remove': [{'UserId': '222222222222'}, {'OrganizationArn': 'arn:o'}], 'Add': []}}",
     "Action=ModifyImageAttribute&Version=2016-11-15&ImageId=ami-1&LaunchPermission.Remove.1.UserId=222222222222"
     "&LaunchPermission.Remove.2.OrganizationArn=arn%3Ao"},
    {"IMDS support is set", &af_ec2_modify_image_attribute, "{'ImageId': 'ami-1', 'ImdsSupport': {'Value': 'v2.0'}}",
     "Action=ModifyImageAttribute&Version=2016-11-15&ImageId=ami-1&ImdsSupport.Value=v2.0"},
    {"a snapshot is shared", &af_ec2_modify_snapshot_attribute,
     "{'SnapshotId': 'snap-1', 'Attribute': 'createVolumePermission', 'OperationType': 'add', 'UserIds': ['222222222222']}",
     "Action=ModifySnapshotAttribute&Version=2016-11-15&Attribute=createVolumePermission&OperationType=add&SnapshotId=snap-1"
     "&UserId.1=222222222222"},
    {"a snapshot is shared by modifications", &af_ec2_modify_snapshot_attribute,
     "{'SnapshotId': 'snap-1', 'CreateVolumePermission': {'Remove': [{'UserId': '222222222222'}]}}",
     "Action=ModifySnapshotAttribute&Version=2016-11-15&CreateVolumePermission.Remove.1.UserId=222222222222&SnapshotId=snap-1"},
    {"an image is registered with all that it had", &af_ec2_register_image,
     "{'Name': 'golden', 'Architecture': 'x86_64', 'RootDeviceName': '/dev/sda1', 'VirtualizationType': 'hvm', 'EnaSupport': true,"
     " 'SriovNetSupport': 'simple', 'BootMode': 'uefi', 'TpmSupport': 'v2.0', 'ImdsSupport': 'v2.0', 'UefiData': 'QU1O/+=',"
     " 'BlockDeviceMappings': [{'DeviceName': '/dev/sda1', 'Ebs': {'SnapshotId': 'snap-1', 'VolumeSize': 8, 'VolumeType': 'gp3',"
     " 'Iops': 3000, 'Throughput': 125, 'DeleteOnTermination': true}}, {'DeviceName': '/dev/sdb', 'VirtualName': 'ephemeral0'},"
     " {'DeviceName': '/dev/sdc', 'NoDevice': ''}]}",
     "Action=RegisterImage&Version=2016-11-15&Architecture=x86_64&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsda1"
     "&BlockDeviceMapping.1.Ebs.DeleteOnTermination=true&BlockDeviceMapping.1.Ebs.Iops=3000&BlockDeviceMapping.1.Ebs.SnapshotId=snap-1"
     "&BlockDeviceMapping.1.Ebs.Throughput=125&BlockDeviceMapping.1.Ebs.VolumeSize=8&BlockDeviceMapping.1.Ebs.VolumeType=gp3"
     "&BlockDeviceMapping.2.DeviceName=%2Fdev%2Fsdb&BlockDeviceMapping.2.VirtualName=ephemeral0"
     "&BlockDeviceMapping.3.DeviceName=%2Fdev%2Fsdc&BlockDeviceMapping.3.NoDevice=&BootMode=uefi&EnaSupport=true&ImdsSupport=v2.0"
     "&Name=golden&RootDeviceName=%2Fdev%2Fsda1&SriovNetSupport=simple&TpmSupport=v2.0&UefiData=QU1O%2F%2B%3D&VirtualizationType=hvm"},
    {"an image is made public within an organization", &af_ec2_modify_image_attribute,
     "{'ImageId': 'ami-1', 'LaunchPermission': {'Add': [{'Group': 'all'}, {'OrganizationalUnitArn': 'arn:ou'}]}}",
     "Action=ModifyImageAttribute&Version=2016-11-15&ImageId=ami-1&LaunchPermission.Add.1.Group=all"
     "&LaunchPermission.Add.2.OrganizationalUnitArn=arn%3Aou"},
    {"an image's description is changed", &af_ec2_modify_image_attribute, "{'ImageId': 'ami-1', 'Description': {'Value': 'new'}}",
     "Action=ModifyImageAttribute&Version=2016-11-15&Description.Value=new&ImageId=ami-1"},
    {"an image is made of an instance", &af_ec2_create_image,
     "{'InstanceId': 'i-1', 'Name': 'golden', 'Description': 'd', 'NoReboot': true,"
     " 'BlockDeviceMappings': [{'DeviceName': '/dev/sda1', 'Ebs': {'DeleteOnTermination': false}}],"
     " 'TagSpecifications': [{'ResourceType': 'image', 'Tags': [{'Key': 'k', 'Value': 'v'}]}]}",
     "Action=CreateImage&Version=2016-11-15&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsda1"
     "&BlockDeviceMapping.1.Ebs.DeleteOnTermination=false&Description=d&InstanceId=i-1&Name=golden&NoReboot=true"
     "&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v"},
    {"a deprecation has a time", &af_ec2_enable_image_deprecation, "{'ImageId': 'ami-1', 'DeprecateAt': '2030-01-01T00:00:00Z'}",
     "Action=EnableImageDeprecation&Version=2016-11-15&DeprecateAt=2030-01-01T00%3A00%3A00Z&ImageId=ami-1"},
    {"a deprecation is taken back", &af_ec2_disable_image_deprecation, "{'ImageId': 'ami-1'}",
     "Action=DisableImageDeprecation&Version=2016-11-15&ImageId=ami-1"},
    {"an image is protected, with a cooldown", &af_ec2_enable_image_deregistration_protection, "{'ImageId': 'ami-1', 'WithCooldown': true}",
     "Action=EnableImageDeregistrationProtection&Version=2016-11-15&ImageId=ami-1&WithCooldown=true"},
    {"an image's protection is taken back", &af_ec2_disable_image_deregistration_protection, "{'ImageId': 'ami-1'}",
     "Action=DisableImageDeregistrationProtection&Version=2016-11-15&ImageId=ami-1"},
    {"an instance is launched shut off from everything", &af_ec2_run_instances,
     "{'ImageId': 'ami-1', 'InstanceType': 't3.micro', 'MinCount': 1, 'MaxCount': 1, 'ClientToken': 'af-0a1b',"
     " 'NetworkInterfaces': [{'DeviceIndex': 0, 'SubnetId': 'subnet-1', 'Groups': ['sg-1', 'sg-2'], 'AssociatePublicIpAddress': false,"
     " 'DeleteOnTermination': true}], 'InstanceInitiatedShutdownBehavior': 'stop',"
     " 'MetadataOptions': {'HttpTokens': 'required', 'HttpEndpoint': 'disabled', 'HttpPutResponseHopLimit': 1},"
     " 'CreditSpecification': {'CpuCredits': 'standard'}, 'TagSpecifications': [{'ResourceType': 'instance', 'Tags': [{'Key': 'k', 'Value': 'v'}]},"
     " {'ResourceType': 'volume', 'Tags': [{'Key': 'k', 'Value': 'v'}]}]}",
     "Action=RunInstances&Version=2016-11-15&ClientToken=af-0a1b&CreditSpecification.CpuCredits=standard&ImageId=ami-1"
     "&InstanceInitiatedShutdownBehavior=stop&InstanceType=t3.micro&MaxCount=1&MetadataOptions.HttpEndpoint=disabled"
     "&MetadataOptions.HttpPutResponseHopLimit=1&MetadataOptions.HttpTokens=required&MinCount=1"
     "&NetworkInterface.1.AssociatePublicIpAddress=false&NetworkInterface.1.DeleteOnTermination=true&NetworkInterface.1.DeviceIndex=0"
     "&NetworkInterface.1.SecurityGroupId.1=sg-1&NetworkInterface.1.SecurityGroupId.2=sg-2&NetworkInterface.1.SubnetId=subnet-1"
     "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v"
     "&TagSpecification.2.ResourceType=volume&TagSpecification.2.Tag.1.Key=k&TagSpecification.2.Tag.1.Value=v"},
    {"an instance's volumes are encrypted", &af_ec2_run_instances,
     "{'ImageId': 'ami-1', 'MinCount': 1, 'MaxCount': 1, 'SubnetId': 'subnet-1', 'SecurityGroupIds': ['sg-1'], 'DryRun': true,"
     " 'BlockDeviceMappings': [{'DeviceName': '/dev/sda1', 'Ebs': {'Encrypted': true, 'KmsKeyId': 'arn:k', 'DeleteOnTermination': true,"
     " 'VolumeType': 'gp3', 'VolumeSize': 8, 'Iops': 3000, 'Throughput': 125}}, {'DeviceName': '/dev/sdb', 'NoDevice': ''},"
     " {'DeviceName': '/dev/sdc', 'VirtualName': 'ephemeral0'}]}",
     "Action=RunInstances&Version=2016-11-15&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsda1"
     "&BlockDeviceMapping.1.Ebs.DeleteOnTermination=true&BlockDeviceMapping.1.Ebs.Encrypted=true&BlockDeviceMapping.1.Ebs.Iops=3000"
     "&BlockDeviceMapping.1.Ebs.KmsKeyId=arn%3Ak&BlockDeviceMapping.1.Ebs.Throughput=125&BlockDeviceMapping.1.Ebs.VolumeSize=8"
     "&BlockDeviceMapping.1.Ebs.VolumeType=gp3&BlockDeviceMapping.2.DeviceName=%2Fdev%2Fsdb&BlockDeviceMapping.2.NoDevice="
     "&BlockDeviceMapping.3.DeviceName=%2Fdev%2Fsdc&BlockDeviceMapping.3.VirtualName=ephemeral0&DryRun=true&ImageId=ami-1&MaxCount=1"
     "&MinCount=1&SecurityGroupId.1=sg-1&SubnetId=subnet-1"},
    {"instances are found by their token", &af_ec2_describe_instances,
     "{'Filters': [{'Name': 'client-token', 'Values': ['af-0a1b']}], 'MaxResults': 1000, 'NextToken': 't'}",
     "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=client-token&Filter.1.Value.1=af-0a1b&MaxResults=1000&NextToken=t"},
    {"instances are described by ids", &af_ec2_describe_instances, "{'InstanceIds': ['i-1', 'i-2']}",
     "Action=DescribeInstances&Version=2016-11-15&InstanceId.1=i-1&InstanceId.2=i-2"},
    {"instances are stopped", &af_ec2_stop_instances, "{'InstanceIds': ['i-1'], 'Force': true}",
     "Action=StopInstances&Version=2016-11-15&Force=true&InstanceId.1=i-1"},
    {"instances are terminated without waiting for their system", &af_ec2_terminate_instances, "{'InstanceIds': ['i-1'], 'SkipOsShutdown': true}",
     "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1&SkipOsShutdown=true"},
    {"instance types are chosen by what an image needs", &af_ec2_describe_instance_types,
     "{'Filters': [{'Name': 'processor-info.supported-architecture', 'Values': ['arm64']}], 'MaxResults': 100}",
     "Action=DescribeInstanceTypes&Version=2016-11-15&Filter.1.Name=processor-info.supported-architecture&Filter.1.Value.1=arm64"
     "&MaxResults=100"},
    {"instance types are described by name", &af_ec2_describe_instance_types, "{'InstanceTypes': ['t3.micro', 'm7g.large']}",
     "Action=DescribeInstanceTypes&Version=2016-11-15&InstanceType.1=t3.micro&InstanceType.2=m7g.large"},
    {"it is asked which zones offer a type", &af_ec2_describe_instance_type_offerings,
     "{'LocationType': 'availability-zone', 'Filters': [{'Name': 'instance-type', 'Values': ['t3.micro']}]}",
     "Action=DescribeInstanceTypeOfferings&Version=2016-11-15&Filter.1.Name=instance-type&Filter.1.Value.1=t3.micro"
     "&LocationType=availability-zone"},
    {"subnets are described by id", &af_ec2_describe_subnets, "{'SubnetIds': ['subnet-1']}",
     "Action=DescribeSubnets&Version=2016-11-15&SubnetId.1=subnet-1"},
    {"the default VPC is found by a filter", &af_ec2_describe_vpcs, "{'Filters': [{'Name': 'is-default', 'Values': ['true']}]}",
     "Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=is-default&Filter.1.Value.1=true"},
    {"volumes are found by tag", &af_ec2_describe_volumes, "{'Filters': [{'Name': 'tag:k', 'Values': ['v']}], 'MaxResults': 500}",
     "Action=DescribeVolumes&Version=2016-11-15&Filter.1.Name=tag%3Ak&Filter.1.Value.1=v&MaxResults=500"},
    {"a volume is deleted by its id", &af_ec2_delete_volume, "{'VolumeId': 'vol-1'}",
     "Action=DeleteVolume&Version=2016-11-15&VolumeId=vol-1"},
    {"a security group is made with its tags", &af_ec2_create_security_group,
     "{'GroupName': 'amiferry-1', 'Description': 'shut off', 'VpcId': 'vpc-1',"
     " 'TagSpecifications': [{'ResourceType': 'security-group', 'Tags': [{'Key': 'k', 'Value': 'v'}]}]}",
     "Action=CreateSecurityGroup&Version=2016-11-15&GroupDescription=shut%20off&GroupName=amiferry-1"
     "&TagSpecification.1.ResourceType=security-group&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v&VpcId=vpc-1"},
    {"security groups are described by ids", &af_ec2_describe_security_groups, "{'GroupIds': ['sg-1']}",
     "Action=DescribeSecurityGroups&Version=2016-11-15&GroupId.1=sg-1"},
    {"all that a new group lets out is taken back", &af_ec2_revoke_security_group_egress,
     "{'GroupId': 'sg-1', 'IpPermissions': [{'IpProtocol': '-1', 'IpRanges': [{'CidrIp': '0.0.0.0/0'}], 'Ipv6Ranges': [{'CidrIpv6': '::/0'}],"
     " 'UserIdGroupPairs': [{'GroupId': 'sg-2'}], 'PrefixListIds': [{'PrefixListId': 'pl-1'}]}]}",
     "Action=RevokeSecurityGroupEgress&Version=2016-11-15&GroupId=sg-1&IpPermissions.1.IpProtocol=-1"
     "&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0%2F0&IpPermissions.1.Ipv6Ranges.1.CidrIpv6=%3A%3A%2F0"
     "&IpPermissions.1.PrefixListIds.1.PrefixListId=pl-1&IpPermissions.1.Groups.1.GroupId=sg-2"},
    {"a security group is deleted by its id", &af_ec2_delete_security_group, "{'GroupId': 'sg-1'}",
     "Action=DeleteSecurityGroup&Version=2016-11-15&GroupId=sg-1"},
    {"tags are put on resources", &af_ec2_create_tags,
     "{'Resources': ['ami-1', 'snap-1'], 'Tags': [{'Key': 'a', 'Value': '1'}, {'Key': 'b', 'Value': ''}]}",
     "Action=CreateTags&Version=2016-11-15&ResourceId.1=ami-1&ResourceId.2=snap-1&Tag.1.Key=a&Tag.1.Value=1&Tag.2.Key=b&Tag.2.Value="},
    {"tags are taken off resources", &af_ec2_delete_tags, "{'Resources': ['ami-1'], 'Tags': [{'Key': 'a'}]}",
     "Action=DeleteTags&Version=2016-11-15&ResourceId.1=ami-1&Tag.1.Key=a"},
    {"a grant has a name, which makes it repeatable", &af_kms_create_grant,
     "{'Name': 'amiferry-1', 'KeyId': 'arn:k', 'Operations': ['Decrypt', 'CreateGrant'], 'GranteePrincipal': 'arn:aws:iam::2:root',"
     " 'RetiringPrincipal': 'arn:r', 'Constraints': {'EncryptionContextSubset': {'b': '1', 'a': '\xc3\xbc'}}}",
     "{'Constraints':{'EncryptionContextSubset':{'b':'1','a':'\xc3\xbc'}},'GranteePrincipal':'arn:aws:iam::2:root','KeyId':'arn:k',"
     "'Name':'amiferry-1','Operations':['Decrypt','CreateGrant'],'RetiringPrincipal':'arn:r'}"},
    {"a key is described by its ARN", &af_kms_describe_key, "{'KeyId': 'arn:k', 'GrantTokens': []}", "{'GrantTokens':[],'KeyId':'arn:k'}"},
    {"a key is tried in a dry run", &af_kms_generate_data_key_without_plaintext,
     "{'KeyId': 'arn:k', 'NumberOfBytes': 32, 'DryRun': true, 'EncryptionContext': {}}",
     "{'DryRun':true,'EncryptionContext':{},'KeyId':'arn:k','NumberOfBytes':32}"},
    {"grants are listed page by page", &af_kms_list_grants, "{'Marker': 'm\\n', 'KeyId': 'arn:k', 'Limit': 100}",
     "{'KeyId':'arn:k','Limit':100,'Marker':'m\\n'}"},
    {"grants are listed by whom they may be retired", &af_kms_list_retirable_grants,
     "{'RetiringPrincipal': 'arn:aws:iam::111111111111:root', 'Marker': 'm', 'Limit': 100}",
     "{'Limit':100,'Marker':'m','RetiringPrincipal':'arn:aws:iam::111111111111:root'}"},
    {"a grant is retired by key and id", &af_kms_retire_grant, "{'KeyId': 'arn:k', 'GrantId': 'g-1'}", "{'GrantId':'g-1','KeyId':'arn:k'}"},
    {"a role is assumed with an external id", &af_sts_assume_role,
     "{'RoleArn': 'arn:aws:iam::222222222222:role/copy', 'RoleSessionName': 'amiferry', 'ExternalId': 'x:1', 'DurationSeconds': 3600,"
     " 'Tags': [{'Key': 'a', 'Value': '1'}], 'TransitiveTagKeys': ['a'], 'PolicyArns': [{'arn': 'arn:p'}]}",
     "Action=AssumeRole&Version=2011-06-15&DurationSeconds=3600&ExternalId=x%3A1&PolicyArns.member.1.arn=arn%3Ap"
     "&RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fcopy&RoleSessionName=amiferry&Tags.member.1.Key=a&Tags.member.1.Value=1"
     "&TransitiveTagKeys.member.1=a"},
    {"a role is assumed with a web identity", &af_sts_assume_role_with_web_identity,
     "{'RoleArn': 'arn:aws:iam::222222222222:role/r', 'RoleSessionName': 'ci', 'WebIdentityToken': 'ey.J.x'}",
     "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fr&RoleSessionName=ci"
     "&WebIdentityToken=ey.J.x"},
    {"the caller asks who it is", &af_sts_get_caller_identity, "{}", "Action=GetCallerIdentity&Version=2011-06-15"},
};

/* Of REST calls the line and the headers count as much as the body: here they stand above it. */
static const struct request rest_requests[] = {
    {"a bucket's policy is asked for", &af_s3_get_bucket_policy, "{'Bucket': 'amis', 'ExpectedBucketOwner': '111111111111'}",
     "GET /amis?policy\nx-amz-expected-bucket-owner: 111111111111\n\n"},
    {"a name of a bucket is encoded", &af_s3_get_bucket_policy, "{'Bucket': 'a/b ?\u00fc'}", "GET /a%2Fb%20%3F%C3%BC?policy\n\n"},
    {"a bucket's policy is put, with the checksum that S3 wants", &af_s3_put_bucket_policy, "{'Bucket': 'amis', 'Policy': '{}'}",
     "PUT /amis?policy\nContent-Type: text/plain\nx-amz-sdk-checksum-algorithm: SHA256\n"
     "x-amz-checksum-sha256: RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=\n\n{}"},
    {"a bucket's policy is deleted", &af_s3_delete_bucket_policy, "{'Bucket': 'amis'}", "DELETE /amis?policy\n\n"},
    {"it is asked where a bucket lies", &af_s3_get_bucket_location, "{'Bucket': 'amis'}", "GET /amis?location\n\n"},
    {"the objects of a bucket are listed by prefix and page", &af_s3_list_objects_v2,
     "{'Bucket': 'amis', 'Prefix': 'golden image/part', 'MaxKeys': 1000, 'ContinuationToken': '1/x+y=='}",
     "GET /amis?list-type=2&continuation-token=1%2Fx%2By%3D%3D&max-keys=1000&prefix=golden%20image%2Fpart\n\n"},
    {"what is null is not sent", &af_s3_list_objects_v2, "{'Bucket': 'amis', 'Prefix': null, 'ExpectedBucketOwner': null}",
     "GET /amis?list-type=2\n\n"},
};

/* ' stands for " in the JSON of this file. */
static char *quoted(const char *text) {
  char *copy = strdup(text);
  for (char *c = copy; *c; c++)
    if (*c == '\'')
      *c = '"';
  return copy;
}

static void has_these_bytes(void **state) {
  const struct request *r = *(const struct request **)*state;
  char *input_text = quoted(r->input), *body_text = quoted(r->body);
  json_error_t error;
  json_t *input = json_loads(input_text, 0, &error);
  struct af_buf body;
  struct af_error err = {0};
  assert_non_null(input);
  af_buf_init(&body, 1 << 16);
  assert_ok(af_encode(r->op, input, &body, &err), &err);
  assert_string_equal(af_buf_cstr(&body), r->op->protocol == AF_PROTOCOL_JSON ? body_text : r->body);
  free(input_text);
  free(body_text);
  json_decref(input);
  af_buf_done(&body);
}

static void goes_out_as_this(void **state) {
  const struct request *r = *(const struct request **)*state;
  char *input_text = quoted(r->input);
  json_t *input = json_loads(input_text, 0, NULL);
  struct af_head head;
  struct af_buf body, whole;
  struct af_error err = {0};
  assert_non_null(input);
  af_buf_init(&body, 1 << 16);
  af_buf_init(&whole, 1 << 16);
  assert_ok(af_encode(r->op, input, &body, &err), &err);
  assert_ok(af_encode_head(r->op, input, af_buf_view(&body), &head, &err), &err);
  af_buf_printf(&whole, "%s %s?%s\n", head.method, af_buf_cstr(&head.path), af_buf_cstr(&head.query));
  const char *line = head.headers.ptr;
  for (size_t i = 0; i < head.n_headers; i++, line += strlen(line) + 1)
    af_buf_printf(&whole, "%s\n", line);
  af_buf_printf(&whole, "\n%s", af_buf_cstr(&body));
  assert_string_equal(af_buf_cstr(&whole), r->body);
  free(input_text);
  json_decref(input);
  af_head_done(&head);
  af_buf_done(&body);
  af_buf_done(&whole);
}

static void each_call_is_in_the_table(void **state) {
  for (size_t i = 0; af_ops[i]; i++) {
    size_t n = 0;
    for (size_t k = 0; k < COUNT(requests); k++)
      n += requests[k].op == af_ops[i];
    for (size_t k = 0; k < COUNT(rest_requests); k++)
      n += rest_requests[k].op == af_ops[i];
    if (n == 0)
      print_error("%s has no request here\n", af_ops[i]->label);
    assert_true(n > 0);
  }
}

/* ---- what is refused before a byte is written ---- */

static const struct request refusals[] = {
    {"an unknown member", &af_ec2_copy_image, "{'SourceRegion': 'r', 'Name': 'n-1', 'SourceImageId': 'ami-1', 'Nmae': 'x'}",
     "ec2:CopyImage: Nmae is not a member of this call"},
    {"a missing member", &af_ec2_copy_image, "{'SourceRegion': 'r', 'Name': 'n-1'}", "ec2:CopyImage: SourceImageId is missing"},
    {"a required member that is null", &af_ec2_copy_image, "{'SourceRegion': 'r', 'Name': null, 'SourceImageId': 'ami-1'}", "Name is missing"},
    {"text for a truth value", &af_ec2_copy_image, "{'SourceRegion': 'r', 'Name': 'n-1', 'SourceImageId': 'ami-1', 'Encrypted': 'true'}",
     "Encrypted must be true or false"},
    {"a number for text", &af_ec2_copy_image, "{'SourceRegion': 'r', 'Name': 12, 'SourceImageId': 'ami-1'}", "Name must be a string"},
    {"a fraction for an integer", &af_ec2_describe_images, "{'MaxResults': 1.5}", "MaxResults must be an integer"},
    {"a string for a list", &af_ec2_describe_images, "{'ImageIds': 'ami-1'}", "ImageIds must be a list"},
    {"a list for a structure", &af_ec2_modify_image_attribute, "{'ImageId': 'ami-1', 'LaunchPermission': []}",
     "LaunchPermission must be a structure"},
    {"a bucket without a name, which would list all buckets", &af_s3_list_objects_v2, "{'Bucket': ''}", "s3:ListObjectsV2: Bucket is empty"},
    {"a header without a value", &af_s3_get_bucket_policy, "{'Bucket': 'b', 'ExpectedBucketOwner': ''}", "ExpectedBucketOwner is empty"},
    {"a header of two lines", &af_s3_get_bucket_policy, "{'Bucket': 'b', 'ExpectedBucketOwner': '1\\r\\nX: y'}",
     "ExpectedBucketOwner must be one line"},
    {"a policy that is no text", &af_s3_put_bucket_policy, "{'Bucket': 'b', 'Policy': {}}", "Policy must be a string"},
    {"an unknown member deep inside", &af_ec2_describe_images, "{'Filters': [{'Name': 'a', 'Values': ['b']}, {'Nam': 'a'}]}",
     "ec2:DescribeImages: Filters[1].Nam is not a member of this call"},
    {"null in a list", &af_ec2_describe_images, "{'ImageIds': ['ami-1', null]}", "ImageIds[1] must be a string"},
    {"an empty list of ids, which would list every image", &af_ec2_describe_images, "{'ImageIds': []}", "ImageIds is empty"},
    {"an empty list of owners", &af_ec2_describe_images, "{'Owners': []}", "Owners is empty"},
    {"an empty list of filters", &af_ec2_describe_snapshots, "{'Filters': []}", "Filters is empty"},
    {"a filter without values", &af_ec2_describe_snapshots, "{'Filters': [{'Name': 'status', 'Values': []}]}", "Filters[0].Values is empty"},
    {"an instance without a security group, which would get the default one", &af_ec2_run_instances,
     "{'MinCount': 1, 'MaxCount': 1, 'SecurityGroupIds': []}", "SecurityGroupIds is empty"},
    {"an interface without a security group", &af_ec2_run_instances,
     "{'MinCount': 1, 'MaxCount': 1, 'NetworkInterfaces': [{'Groups': []}]}", "NetworkInterfaces[0].Groups is empty"},
    {"terminating no instance", &af_ec2_terminate_instances, "{'InstanceIds': []}", "InstanceIds is empty"},
    {"deleting tags without saying which, which would delete all", &af_ec2_delete_tags, "{'Resources': ['ami-1']}", "Tags is missing"},
    {"deleting an empty list of tags, which would delete all", &af_ec2_delete_tags, "{'Resources': ['ami-1'], 'Tags': []}", "Tags is missing"},
    {"a list at the top", &af_ec2_describe_images, "[]", "ec2:DescribeImages: the input must be a structure"},
    {"a map's value of the wrong type", &af_kms_create_grant,
     "{'KeyId': 'k', 'Operations': [], 'Constraints': {'EncryptionContextEquals': {'a': 1}}}",
     "Constraints.EncryptionContextEquals.a must be a string"},
};

static void is_refused(void **state) {
  const struct request *r = *(const struct request **)*state;
  char *input_text = quoted(r->input);
  json_t *input = json_loads(input_text, 0, NULL);
  struct af_buf body;
  struct af_error err = {0};
  assert_non_null(input);
  af_buf_init(&body, 1 << 16);
  assert_error(af_encode(r->op, input, &body, &err), -AF_EINVAL, &err, r->body);
  assert_int_equal(err.class, AF_CLASS_INTERNAL);
  assert_string_equal(err.code, "RequestShape");
  assert_int_equal(body.len, 0);
  free(input_text);
  json_decref(input);
  af_buf_done(&body);
}

static void a_form_says_its_character_set_and_json_its_version(void **state) {
  assert_string_equal(af_content_type(&af_ec2_copy_image), "application/x-www-form-urlencoded; charset=utf-8");
  assert_string_equal(af_content_type(&af_sts_assume_role), "application/x-www-form-urlencoded; charset=utf-8");
  assert_string_equal(af_content_type(&af_kms_create_grant), "application/x-amz-json-1.1");
}

static void the_other_protocols_post_to_the_root(void **state) {
  json_t *input = json_pack("{s:s}", "KeyId", "k");
  struct af_head head;
  struct af_error err = {0};
  assert_ok(af_encode_head(&af_kms_describe_key, input, af_str("{}"), &head, &err), &err);
  assert_string_equal(head.method, "POST");
  assert_string_equal(af_buf_cstr(&head.path), "/");
  assert_int_equal(head.query.len, 0);
  assert_int_equal(head.n_headers, 2);
  assert_string_equal(head.headers.ptr, "Content-Type: application/x-amz-json-1.1");
  assert_string_equal(head.headers.ptr + strlen(head.headers.ptr) + 1, "X-Amz-Target: TrentService.DescribeKey");
  af_head_done(&head);
  json_decref(input);
}

static void a_path_that_passes_its_buffer_is_refused(void **state) {
  char name[20000];
  memset(name, 'b', sizeof name);
  name[sizeof name - 1] = 0;
  json_t *input = json_pack("{s:s}", "Bucket", name);
  struct af_head head;
  struct af_error err = {0};
  assert_error(af_encode_head(&af_s3_get_bucket_policy, input, af_str(""), &head, &err), -AF_ETOOBIG, &err, "16384 bytes");
  json_decref(input);
}

static void a_request_that_passes_its_buffer_is_refused(void **state) {
  json_t *input = json_pack("{s[s]}", "ImageIds", "ami-0123456789");
  struct af_buf body;
  struct af_error err = {0};
  af_buf_init(&body, 40);
  assert_error(af_encode(&af_ec2_describe_images, input, &body, &err), -AF_ETOOBIG, &err, "40 bytes");
  af_buf_done(&body);
  json_decref(input);
}

static void add(struct test_list *l, const char *format, const struct request *r, CMUnitTestFunction f) {
  char name[300];
  const struct request **state = malloc(sizeof *state);
  *state = r;
  snprintf(name, sizeof name, "%s: %s%s", r->op->label, r->sentence, format);
  test_list_add(l, name, f, state);
}

int main(void) {
  struct test_list l = {0};
  for (size_t i = 0; i < COUNT(requests); i++)
    add(&l, "", &requests[i], has_these_bytes);
  for (size_t i = 0; i < COUNT(rest_requests); i++)
    add(&l, "", &rest_requests[i], goes_out_as_this);
  test_list_add(&l, "the other protocols post to the root", the_other_protocols_post_to_the_root, NULL);
  test_list_add(&l, "a path that passes its buffer is refused", a_path_that_passes_its_buffer_is_refused, NULL);
  for (size_t i = 0; i < COUNT(refusals); i++)
    add(&l, " is refused", &refusals[i], is_refused);
  test_list_add(&l, "each call has a request in this table", each_call_is_in_the_table, NULL);
  test_list_add(&l, "a form says its character set, and JSON its version", a_form_says_its_character_set_and_json_its_version, NULL);
  test_list_add(&l, "a request that passes its buffer is refused", a_request_that_passes_its_buffer_is_refused, NULL);
  return test_list_run(&l, "requests");
}
