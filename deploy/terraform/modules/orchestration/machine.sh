# shellcheck shell=bash
# What makes a Debian 12 the orchestrator's machine: run once, by cloud-init, as root.  main.tf puts `#!/bin/bash` and the
# settings before it: REGION, ARTEFACTS, PARAMETERS, LAKE, ZONE_RAW, ZONE_PROCESSED, ZONE_QUARANTINE, ZONE_MARTS, LOG_GROUP.
#
#   Session Manager   first, so that a person gets in whatever fails after it
#   CloudWatch agent  sends what the daily job logs, one JSON object a line, to LOG_GROUP, where an alarm counts errors
#   freightlake-update  installs the package of the bucket of artefacts; a fresh bucket has none yet
#
# Everything comes by HTTPS: agents from AWS's buckets, the rest from Debian's archive, which wants a NAT gateway.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

work=$(mktemp -d)
fetch() {
    curl -fsS --retry 5 --retry-all-errors -o "$work/$2" "$1"
}

fetch "https://amazon-ssm-$REGION.s3.$REGION.amazonaws.com/latest/debian_amd64/amazon-ssm-agent.deb" session.deb
dpkg -i "$work/session.deb"
systemctl enable --now amazon-ssm-agent

for list in /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/mirrors/*; do
    [[ ! -f $list ]] || sed -i 's|http://|https://|g' "$list"
done
apt-get -o DPkg::Lock::Timeout=300 update
apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends awscli ca-certificates libcurl4

# The daily job: which lake, and its messages into a file for the agent.  The package's own daily.conf is read before.
install -d /etc/freightlake /etc/systemd/system/freightlake-daily.service.d
install -d -m 750 /var/log/freightlake
cat >/etc/freightlake/machine.conf <<END
FREIGHTLAKE_LAKE=$LAKE
FREIGHTLAKE_LOG_FORMAT=json
AWS_REGION=$REGION
AWS_DEFAULT_REGION=$REGION
ARTEFACTS=$ARTEFACTS
PARAMETERS=$PARAMETERS
ZONE_RAW=$ZONE_RAW
ZONE_PROCESSED=$ZONE_PROCESSED
ZONE_QUARANTINE=$ZONE_QUARANTINE
ZONE_MARTS=$ZONE_MARTS
END
cat >/etc/systemd/system/freightlake-daily.service.d/machine.conf <<END
[Service]
EnvironmentFile=/etc/freightlake/machine.conf
StandardError=append:/var/log/freightlake/jobs.log
END
cat >/etc/freightlake/cloudwatch-agent.json <<END
{"agent": {"region": "$REGION"},
 "logs": {"logs_collected": {"files": {"collect_list": [
   {"file_path": "/var/log/freightlake/jobs.log", "log_group_name": "$LOG_GROUP", "log_stream_name": "{instance_id}"}]}}}}
END
fetch "https://amazoncloudwatch-agent-$REGION.s3.$REGION.amazonaws.com/debian/amd64/latest/amazon-cloudwatch-agent.deb" agent.deb
dpkg -i "$work/agent.deb"
/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:/etc/freightlake/cloudwatch-agent.json
rm -r "$work"

cat >/usr/local/sbin/freightlake-update <<'END'
#!/bin/bash
# freightlake-update: installs the package that the bucket of artefacts names, when its checksum is the one beside it.
set -euo pipefail
. /etc/freightlake/machine.conf
export AWS_DEFAULT_REGION DEBIAN_FRONTEND=noninteractive
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
aws s3 cp --only-show-errors "s3://$ARTEFACTS/packages/SHA256SUMS" SHA256SUMS
package=$(sed -n 's/^[0-9a-f]\{64\}  \(freightlake_[A-Za-z0-9.+~_-]*\.deb\)$/\1/p' SHA256SUMS)
if [[ -z $package || $package == *$'\n'* ]]; then
    echo "freightlake-update: error: s3://$ARTEFACTS/packages/SHA256SUMS does not name one package" >&2
    echo "hint: make artefacts deploy BUCKET=$ARTEFACTS" >&2
    exit 1
fi
aws s3 cp --only-show-errors "s3://$ARTEFACTS/packages/$package" "$package"
sha256sum --check --quiet SHA256SUMS
apt-get -o DPkg::Lock::Timeout=300 install -y --reinstall --allow-downgrades "./$package"
END
chmod 755 /usr/local/sbin/freightlake-update
systemctl daemon-reload
freightlake-update || echo "no package yet: run freightlake-update when the bucket has one" >&2
